/**
 * The Chromium that the tests drive: the one that CHROMIUM_PATH names, one that this machine has, or else one
 * that is fetched now. Run by itself, it prints the path.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'chrome'];
const PLACES = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/** Whether this process may administer the machine; Chromium has no sandbox then. */
export const isRoot = process.getuid?.() === 0;

/** The path of a Chromium. @throws Error where there is none and none can be had. */
export function findChromium() {
  const named = process.env.CHROMIUM_PATH;
  if (named) {
    if (isProgram(named)) return named;
    throw new Error(`CHROMIUM_PATH names ${named}, which is not a program`);
  }
  const path =
    installed() ??
    fetched('apt-get update -q && apt-get install -y -q --no-install-recommends chromium', isRoot) ??
    fetched('npx playwright install chromium', true);
  if (path === undefined) {
    throw new Error('no Chromium here, and none could be fetched: install one, or name it in CHROMIUM_PATH');
  }
  return path;
}

function installed() {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const candidates = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  return [chromium.executablePath(), ...candidates, ...PLACES].find(isProgram);
}

/** Runs what should bring one, where that can work. Its output goes to stderr: stdout is for the path. */
function fetched(command, canWork) {
  if (!canWork) return undefined;
  console.error(`no Chromium here: ${command}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  spawnSync(command, { shell: true, stdio: ['ignore', 2, 2], env });
  return installed();
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return path !== '';
  } catch {
    return false;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(findChromium());
