/**
 * What the browser opens: the pages of `site/`, the examples and the how-tos, built by Vite from the package as it
 * ships, and served from memory. `SITE` is its url while the tests run.
 */
import { readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin, type Rolldown } from 'vite';
import { project, removeProjects } from '../docs/project.ts';

const folder = fileURLToPath(new URL('site/', import.meta.url));
const examples = fileURLToPath(new URL('../../examples/', import.meta.url));

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
};

/** Only what this server gives may run, no WASM and no `eval`, and only WebSockets may be dialled. */
const STRICT = "default-src 'self'; script-src 'self'; connect-src ws://127.0.0.1:*";

/** The package by its own name, through its `exports`: what ships is what is tested. */
const self: Plugin = {
  name: 'self',
  resolveId: (id) =>
    id === 'hypercore-wire' || id.startsWith('hypercore-wire/')
      ? fileURLToPath(import.meta.resolve(id))
      : undefined,
};

/** What the how-tos make, by the names of their pages: the web app before its copy is kept, too. */
const howTos = [
  ['web-app-first', 'web-app', 'first'],
  ['web-app', 'web-app', 'last'],
  ['worker', 'worker', 'last'],
] as const;

/** The files that Vite makes of the pages of a folder, by path. */
async function built(root: string, pages: readonly string[]): Promise<[string, string | Uint8Array][]> {
  const output = (await build({
    root,
    configFile: false,
    logLevel: 'error',
    base: './',
    plugins: [self],
    worker: { format: 'es', plugins: () => [self] },
    build: {
      write: false,
      target: 'es2022',
      minify: false,
      modulePreload: false,
      rolldownOptions: { input: pages.map((page) => join(root, page)) },
    },
  })) as Rolldown.RolldownOutput;
  return output.output.map((file) => [file.fileName, file.type === 'chunk' ? file.code : file.source]);
}

const pagesOf = (root: string): string[] => readdirSync(root).filter((name) => name.endsWith('.html'));

export default async function serveSite(): Promise<() => void> {
  const files = new Map(await built(folder, pagesOf(folder)));
  for (const { name } of readdirSync(examples, { withFileTypes: true }).filter((one) => one.isDirectory())) {
    const pages = pagesOf(join(examples, name));
    if (pages.length === 0) continue;
    for (const [path, body] of await built(join(examples, name), pages)) {
      files.set(`examples/${name}/${path}`, body);
    }
  }
  for (const [name, page, which] of howTos) {
    const root = project(`docs/how-to/${page}.md`, which);
    for (const [path, body] of await built(root, ['index.html'])) files.set(`how-to/${name}/${path}`, body);
  }
  removeProjects();
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://site');
    const body = files.get(pathname.slice(1));
    if (body === undefined) return void response.writeHead(404).end(`no ${pathname} here`);
    response.setHeader('content-type', types[extname(pathname)] ?? 'application/octet-stream');
    if (pathname.startsWith('/strict')) response.setHeader('content-security-policy', STRICT);
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  process.env.SITE = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return () => {
    server.closeAllConnections();
    server.close();
  };
}
