/** The TCP connections of a packet capture, each with its two directions put together again. */
import type { Direction } from '../events.ts';
import type { CaptureFormat, CaptureListener } from './events.ts';
import { type CapturedPacket, Pcap, Pcapng } from './packets.ts';
import { Reassembly } from './reassembly.ts';
import { type Segment, segmentOf } from './segment.ts';
import { WebSocketBytes } from './websocket.ts';

/** Connections that are followed at once. */
const MAX_CONNECTIONS = 1024;

/** Reads a pcap or pcapng file. */
export class PacketCapture implements CaptureFormat {
  readonly #listener: CaptureListener;
  readonly #packets: Pcap | Pcapng;
  readonly #connections = new Map<string, Connection>();
  readonly #noted = new Set<string>();
  /** When the first packet came. */
  #start: number | undefined;
  #time = 0;
  #count = 0;

  constructor(isPcapng: boolean, listener: CaptureListener) {
    this.#listener = listener;
    const host = {
      onPacket: (packet: CapturedPacket) => this.#onPacket(packet),
      onNote: (text: string) => this.#note(text),
    };
    this.#packets = isPcapng ? new Pcapng(host) : new Pcap(host);
  }

  push(chunk: Uint8Array): void {
    this.#packets.push(chunk);
  }

  end(): void {
    this.#packets.end();
    for (const connection of this.#connections.values()) connection.flush(this.#time);
    this.#connections.clear();
  }

  #onPacket(packet: CapturedPacket): void {
    this.#start ??= packet.time;
    // Packets are written a little out of order at times.
    this.#time = Math.max(this.#time, packet.time - this.#start);
    const segment = segmentOf(packet);
    if (typeof segment === 'string') this.#note(segment);
    else if (segment !== undefined) this.#onSegment(segment);
  }

  #onSegment(segment: Segment): void {
    const { from, to, isSyn, isAck } = segment;
    const name = from < to ? `${from} ${to}` : `${to} ${from}`;
    const known = this.#connections.get(name);
    if (known !== undefined && !(isSyn && !isAck && known.isOtherThan(segment))) {
      known.add(segment, this.#time);
      return;
    }
    known?.flush(this.#time);
    this.#connections.delete(name);
    // What is left of one that was not captured says nothing.
    if (!isSyn && segment.payload.byteLength === 0) return;
    if (this.#connections.size >= MAX_CONNECTIONS) {
      const [oldest, connection] = [...this.#connections].find(([, { isOver }]) => isOver) ?? [];
      if (oldest === undefined)
        return this.#note(`more than ${MAX_CONNECTIONS} connections at once; the rest is left out`);
      connection?.flush(this.#time);
      this.#connections.delete(oldest);
    }
    const connection = new Connection(
      segment,
      () => ++this.#count,
      this.#listener,
      (text) => this.#note(text),
    );
    this.#connections.set(name, connection);
    connection.add(segment, this.#time);
  }

  /** Once for each text. */
  #note(text: string): void {
    if (this.#noted.has(text) || this.#noted.size > 100) return;
    this.#noted.add(text);
    this.#listener({ type: 'note', text: `the capture: ${text}` });
  }
}

class Connection {
  readonly #listener: CaptureListener;
  readonly #takeNumber: () => number;
  readonly #note: (text: string) => void;
  #number: number | undefined;
  /** Who connected, and to whom. */
  readonly #client: string;
  readonly #server: string;
  #syn: number | undefined;
  #time = 0;
  readonly #ended: Record<Direction, boolean> = { out: false, in: false };
  readonly #contents: Readonly<Record<Direction, WebSocketBytes>>;
  readonly #directions: Readonly<Record<Direction, Reassembly>>;

  constructor(
    first: Segment,
    takeNumber: () => number,
    listener: CaptureListener,
    note: (text: string) => void,
  ) {
    this.#listener = listener;
    this.#note = note;
    this.#takeNumber = takeNumber;
    // Without the beginning, the side with the larger port is taken for the one that connected.
    const { isSyn, isAck, fromPort, toPort } = first;
    const isByClient = isSyn ? !isAck : fromPort >= toPort;
    [this.#client, this.#server] = isByClient ? [first.from, first.to] : [first.to, first.from];
    this.#contents = { out: this.#content('out'), in: this.#content('in') };
    this.#directions = { out: this.#direction('out'), in: this.#direction('in') };
  }

  /** Whether both directions have ended. */
  get isOver(): boolean {
    return this.#ended.out && this.#ended.in;
  }

  /** Whether this SYN begins another connection between the same two ports. */
  isOtherThan({ sequence }: Segment): boolean {
    return this.#syn !== undefined && this.#syn !== sequence;
  }

  add(segment: Segment, time: number): void {
    this.#time = time;
    const { from, sequence, isSyn, isAck, isFin, isReset, payload } = segment;
    const direction = this.#directions[from === this.#client ? 'out' : 'in'];
    if (isSyn) {
      if (!isAck) this.#syn = sequence;
      direction.begin(sequence);
    }
    direction.add(isSyn ? (sequence + 1) >>> 0 : sequence, payload, isFin);
    if (isReset) this.flush(time, 'it was reset');
  }

  /** No more comes. */
  flush(time: number, error?: string): void {
    this.#time = time;
    for (const direction of ['out', 'in'] as const) {
      this.#directions[direction].flush();
      this.#contents[direction].flush();
      if (error !== undefined) this.#end(direction, error);
    }
  }

  #content(direction: Direction): WebSocketBytes {
    const place = () => ({ connection: this.#connection(), time: this.#time, direction });
    return new WebSocketBytes({
      onBytes: (bytes) => this.#listener({ type: 'bytes', ...place(), bytes }),
      onMissing: (byteLength) => this.#listener({ type: 'missing', ...place(), byteLength }),
      onLost: (error) => this.#end(direction, error),
      onNote: this.#note,
    });
  }

  #direction(direction: Direction): Reassembly {
    const content = this.#contents[direction];
    return new Reassembly({
      onBytes: (bytes) => content.push(bytes),
      onMissing: (byteLength) => content.missing(byteLength),
      onEnd: () => {
        content.flush();
        this.#end(direction, undefined);
      },
    });
  }

  #end(direction: Direction, error: string | undefined): void {
    if (this.#ended[direction]) return;
    this.#ended[direction] = true;
    this.#listener({ type: 'end', connection: this.#connection(), time: this.#time, direction, error });
  }

  /** Its number, which it has once there is something to tell. */
  #connection(): number {
    if (this.#number === undefined) {
      this.#number = this.#takeNumber();
      const [from, to, time] = [this.#client, this.#server, this.#time];
      this.#listener({ type: 'connection', connection: this.#number, time, from, to });
    }
    return this.#number;
  }
}
