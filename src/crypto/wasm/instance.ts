/** Runs the kernels' WASM modules. */

/** What it takes of the platform, which may be missing. */
interface Platform {
  readonly WebAssembly: {
    validate(code: Uint8Array): boolean;
    readonly Module: new (code: Uint8Array) => object;
    readonly Instance: new (module: object) => { readonly exports: unknown };
  };
}

/**
 * What the module of `code`, in hex, exports; its memory is one page. `undefined` where there is no WASM, none with SIMD,
 * or a Content-Security-Policy forbids it.
 */
export function instantiate(code: string): unknown {
  try {
    const { WebAssembly } = globalThis as unknown as Platform;
    const bytes = Uint8Array.from(code.match(/../g)!, (pair) => Number.parseInt(pair, 16));
    if (!WebAssembly.validate(bytes)) return undefined;
    return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
  } catch {
    return undefined;
  }
}
