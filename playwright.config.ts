import { defineConfig } from '@playwright/test';
import { findChromium, isRoot } from './test/browser/chromium.mjs';

// Found once: the processes that Playwright starts inherit it.
const executablePath = (process.env.CHROMIUM_PATH = findChromium());

export default defineConfig({
  testDir: 'test/browser',
  globalSetup: './test/browser/site.ts',
  outputDir: 'node_modules/.cache/playwright',
  fullyParallel: true,
  forbidOnly: true,
  // A browser on a busy machine stalls now and then. What passes only then is named in the output as flaky.
  retries: 1,
  workers: 2,
  // These guard against what hangs. A busy machine takes its time.
  timeout: 180_000,
  expect: { timeout: 60_000 },
  reporter: 'line',
  use: {
    browserName: 'chromium',
    launchOptions: {
      executablePath,
      chromiumSandbox: !isRoot,
      args: [
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        // Peer connections name this machine's addresses, instead of names that a multicast has to resolve.
        '--disable-features=WebRtcHideLocalIpsWithMdns',
        // The tests measure memory.
        '--enable-precise-memory-info',
        '--js-flags=--expose-gc',
      ],
    },
  },
});
