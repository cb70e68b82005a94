/** The demo's page, for the browsers of this machine: the files of one folder, and where the shared feed is. */
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, sep } from 'node:path';

/** What the page is told of the feed that is shared. */
export interface SharedFeed {
  /** In hex. */
  readonly key: string;
  /** Of a WebSocket. */
  readonly url: string;
}

export interface ServedPage {
  readonly url: string;
  close(): Promise<void>;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Under this name the page finds {@link SharedFeed}. */
const SHARED = '/shared.json';

/**
 * Serves the page on a free port of 127.0.0.1. Resolves to `undefined` where the folder is not there: only a checkout
 * has it.
 */
export async function servePage(folder: string, shared: SharedFeed): Promise<ServedPage | undefined> {
  const files = await filesOf(folder);
  if (!files.has('/index.html')) return undefined;
  const server = createServer((request, response) => {
    answer(request, response).catch((error: Error) => response.destroy(error));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
  const headers = {
    'content-security-policy': policy(shared.url),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
    // The next build has other files.
    'cache-control': 'no-store',
  };

  async function answer({ method, url = '/', headers: { host } }: IncomingMessage, response: ServerResponse) {
    const refuse = (status: number, text: string): void => {
      response
        .writeHead(status, { ...headers, 'content-type': 'text/plain; charset=utf-8' })
        .end(`${text}\n`);
    };
    // A page from elsewhere whose name was made to mean this machine would name that in here.
    if (host === undefined || !hosts.includes(host)) return refuse(403, `This is ${hosts[0]} only.`);
    if (method !== 'GET' && method !== 'HEAD') return refuse(405, 'There is nothing to do here but to read.');
    const path = url.split('?', 1)[0]!;
    const name = path === '/' ? '/index.html' : path;
    const file = files.get(name);
    if (file === undefined && name !== SHARED) return refuse(404, 'There is no such file here.');
    const body = file === undefined ? Buffer.from(JSON.stringify(shared)) : await readFile(file);
    const type = file === undefined ? 'application/json' : types[extname(file)];
    response.writeHead(200, {
      ...headers,
      'content-type': type ?? 'application/octet-stream',
      'content-length': body.byteLength,
    });
    response.end(method === 'HEAD' ? undefined : body);
  }

  return {
    url: `http://127.0.0.1:${port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** What there is, by the path in its url. No path that is asked for ever reaches the disk: it is one of these, or none. */
async function filesOf(folder: string): Promise<Map<string, string>> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    },
  );
  const paths = found.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
  return new Map(paths.map((path) => [path.slice(folder.length).split(sep).join('/'), path]));
}

/** Nothing from outside: own files, WASM for libsodium, and the one WebSocket. */
function policy(url: string): string {
  return [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self'",
    "img-src 'self'",
    "worker-src 'self'",
    `connect-src 'self' ${new URL(url).origin}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
