import { defineConfig } from 'vitest/config';

/** One entry a subpath of package.json's `exports`. */
const entries = {
  index: 'src/index.ts',
  stream: 'src/stream/index.ts',
  wire: 'src/wire/index.ts',
  crypto: 'src/crypto/index.ts',
  'crypto/noble': 'src/crypto/noble.ts',
  'crypto/native': 'src/crypto/native.ts',
  feed: 'src/feed/index.ts',
  extension: 'src/extension/index.ts',
  inspect: 'src/inspect/index.ts',
  'storage/memory': 'src/storage/memory.ts',
  'storage/node': 'src/storage/node.ts',
  'storage/opfs': 'src/storage/opfs.ts',
  'transport/memory': 'src/transport/memory.ts',
  'transport/node': 'src/transport/node.ts',
  'transport/websocket': 'src/transport/websocket.ts',
  'transport/webrtc': 'src/transport/webrtc.ts',
  'transport/message-port': 'src/transport/message-port.ts',
  'transport/web-streams': 'src/transport/web-streams.ts',
  'transport/bun': 'src/transport/bun.ts',
  'cli/main': 'src/cli/main.ts',
  'cli/demo': 'src/cli/demo.ts',
};

export default defineConfig({
  build: {
    target: 'es2022',
    minify: false,
    sourcemap: true,
    lib: { entry: entries, formats: ['es'] },
    rolldownOptions: {
      // What npm installs beside us is never bundled into us.
      external: [/^node:/, /^[a-z@][^:]*$/i],
      output: {
        // What only Node can run stays apart from what a page loads.
        chunkFileNames: ({ moduleIds }) =>
          moduleIds.some((id) => /src\/(cli|storage\/node|transport\/node)\b/.test(id))
            ? 'cli/chunks/[name]-[hash].js'
            : 'chunks/[name]-[hash].js',
        entryFileNames: '[name].js',
      },
    },
  },
  test: {
    include: ['test/**/*.test.ts'],
    // Guards against what hangs. A busy machine takes its time.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
