/**
 * What travels in a WebSocket, out of one direction of its TCP connection (RFC 6455). What is no WebSocket passes as
 * it is.
 */
import { Gathered } from '../gathered.ts';

/** Bytes of an HTTP head; browsers and proxies add to it, and mostly stay far below. */
const MAX_HEAD_BYTES = 8192;
const HEAD_END = '\r\n\r\n';
/** The first bytes of a head, by either side. No first frame of this protocol begins so. */
const HEAD_STARTS = ['GET ', 'HTTP'];
/** Opcodes: what follows goes on with the message before it, or is of text, or is no message from here on. */
const [CONTINUATION, TEXT, CONTROL] = [0, 1, 8];

/** Who is told. The bytes are those that were pushed, or copies. */
export interface WebSocketHost {
  onBytes(bytes: Uint8Array): void;
  onMissing(byteLength: number): void;
  /** Nothing more can be read. */
  onLost(error: string): void;
  onNote(text: string): void;
}

/** Takes the bytes of a direction in any chunking, and unmasks them in place. Holds a head at most. */
export class WebSocketBytes {
  readonly #host: WebSocketHost;
  #phase: 'head' | 'frames' | 'plain' | 'lost' = 'head';
  readonly #head = new Gathered();
  /** Of a frame as far as it came: its header, then how much of its payload is left. */
  #header: number[] = [];
  #left = 0;
  #mask: readonly number[] = [];
  /** Bytes of the payload before the next one. */
  #at = 0;
  #isText = false;
  /** Whether the payload is that of a message of bytes. */
  #isBytes = false;

  constructor(host: WebSocketHost) {
    this.#host = host;
  }

  push(bytes: Uint8Array): void {
    if (this.#phase === 'plain') return this.#host.onBytes(bytes);
    if (this.#phase === 'frames') return this.#read(bytes);
    if (this.#phase === 'lost') return;
    this.#head.append(bytes);
    this.#begin();
  }

  /** The capture does not have the next `byteLength` bytes. */
  missing(byteLength: number): void {
    if (this.#phase === 'head' && this.#head.bytes.byteLength === 0) this.#phase = 'plain';
    if (this.#phase === 'plain') return this.#host.onMissing(byteLength);
    if (this.#phase === 'head' || byteLength > this.#left)
      return this.#lose('the capture does not have where its next WebSocket frame begins');
    this.#left -= byteLength;
    this.#at += byteLength;
    if (this.#phase === 'frames' && this.#isBytes) this.#host.onMissing(byteLength);
  }

  /** No more comes: hands on what was held to see what it is. */
  flush(): void {
    if (this.#phase === 'head' && this.#head.bytes.byteLength > 0) this.#pass();
  }

  #begin(): void {
    const held = this.#head.bytes.subarray(0, MAX_HEAD_BYTES);
    const text = String.fromCharCode(...held);
    if (!HEAD_STARTS.some((start) => start.startsWith(text.slice(0, start.length)))) return this.#pass();
    const end = text.indexOf(HEAD_END);
    if (end === -1) return held.byteLength < MAX_HEAD_BYTES ? undefined : this.#pass();
    if (!/\r\nupgrade:[ \t]*websocket/i.test(text.slice(0, end))) return this.#pass();
    this.#phase = 'frames';
    this.#read(this.#release().subarray(end + HEAD_END.length));
  }

  /** It is no WebSocket. */
  #pass(): void {
    this.#phase = 'plain';
    this.#host.onBytes(this.#release());
  }

  #release(): Uint8Array {
    const bytes = this.#head.bytes.slice();
    this.#head.drop(bytes.byteLength);
    return bytes;
  }

  #read(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.byteLength && this.#phase === 'frames'; ) {
      if (this.#left === 0) {
        this.#header.push(bytes[at++]!);
        this.#readHeader();
        continue;
      }
      const part = bytes.subarray(at, at + Math.min(this.#left, bytes.byteLength - at));
      if (this.#isBytes) {
        this.#unmask(part);
        this.#host.onBytes(part);
      }
      this.#left -= part.byteLength;
      this.#at += part.byteLength;
      at += part.byteLength;
    }
  }

  /** Once it is whole. */
  #readHeader(): void {
    const [first = 0, second] = this.#header;
    if (second === undefined) return;
    const short = second & 0x7f;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const end = 2 + lengthBytes;
    if (this.#header.length < end + (second & 0x80 ? 4 : 0)) return;
    if (first & 0x70) return this.#lose('its WebSocket messages are compressed, which is not read here');
    const long = this.#header.slice(2, end).reduce((sum, byte) => sum * 256 + byte, 0);
    this.#left = lengthBytes === 0 ? short : long;
    this.#mask = this.#header.slice(end);
    this.#at = 0;
    this.#header = [];
    const opcode = first & 0x0f;
    if (opcode !== CONTINUATION && opcode < CONTROL) this.#isText = opcode === TEXT;
    this.#isBytes = opcode < CONTROL && !this.#isText;
    if (opcode === TEXT) this.#host.onNote('a message of text in a WebSocket is none of this protocol');
  }

  #unmask(part: Uint8Array): void {
    if (this.#mask.length === 0) return;
    for (let i = 0; i < part.byteLength; i++) part[i]! ^= this.#mask[(this.#at + i) % 4]!;
  }

  #lose(error: string): void {
    this.#phase = 'lost';
    this.#head.drop(this.#head.bytes.byteLength);
    this.#host.onLost(error);
  }
}
