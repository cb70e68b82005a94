/** What the page and the worker of a peer say to each other, beside the bytes of the wire. */

/** From the page. */
export type ToPeer =
  /** Once: the writer begins a new feed with blocks of text, the reader a copy of the one with `key`. */
  | { readonly type: 'start'; readonly blocks: readonly string[] }
  | { readonly type: 'start'; readonly key: string }
  /** Replicates over a port, until either side ends it. */
  | { readonly type: 'connect'; readonly port: MessagePort; readonly encrypted: boolean }
  /** Adds a block: it is signed, and stays. */
  | { readonly type: 'append'; readonly text: string }
  /** Says something that is stored nowhere. */
  | { readonly type: 'say'; readonly text: string };

/** What a peer has of the feed. */
export interface Holding {
  /** In blocks: verified, and what the other side tells of. */
  readonly length: number;
  readonly remoteLength: number;
  /** In bytes, verified. */
  readonly byteLength: number;
  /** 1 for each block that is here, by its number. */
  readonly blocks: Uint8Array;
  /** 1 for each node of the Merkle tree that is here, by its number. */
  readonly nodes: Uint8Array;
}

/** From a peer. */
export type FromPeer =
  | { readonly type: 'ready'; readonly key: string }
  | { readonly type: 'holding'; readonly holding: Holding }
  /** A block was appended, or it came and was verified: now it is stored. */
  | { readonly type: 'stored'; readonly index: number; readonly text: string }
  /** An ephemeral message came. */
  | { readonly type: 'heard'; readonly text: string }
  /** A proof does not fit: it is asked for again, with nothing left out. */
  | { readonly type: 'doubted' }
  /** A block came that its proof does not prove, and the peer hangs up. */
  | { readonly type: 'rejected'; readonly block: number; readonly reason: string }
  | { readonly type: 'connected' }
  /** `error` where it was no proper end. */
  | { readonly type: 'disconnected'; readonly error?: string | undefined }
  /** What the page asked for cannot be done. */
  | { readonly type: 'failed'; readonly error: string };
