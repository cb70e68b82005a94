import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

/** The package by its own name, through its `exports`: the page is an app like any other. Built after the package. */
const self: Plugin = {
  name: 'self',
  resolveId: (id) =>
    id === 'hypercore-wire' || id.startsWith('hypercore-wire/')
      ? fileURLToPath(import.meta.resolve(id))
      : undefined,
};

export default defineConfig({
  root: import.meta.dirname,
  base: './',
  plugins: [self],
  worker: { format: 'es', plugins: () => [self] },
  build: { target: 'es2022', outDir: 'dist', emptyOutDir: true, modulePreload: false },
});
