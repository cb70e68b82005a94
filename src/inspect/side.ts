/** What is known of one side of the conversation: that which sends in one direction. */
import type { Limits } from '../limits.ts';
import type { Feed, Message } from '../wire/messages.ts';
import type { Direction } from './events.ts';
import { Frames, type FramesHost } from './frames.ts';
import { Requests } from './requests.ts';
import { Tally } from './tally.ts';

export class Side {
  readonly direction: Direction;
  /** What it is called in sentences. */
  readonly name: string;
  readonly frames: Frames;
  readonly tally: Tally;
  readonly requests: Requests;
  /** Discovery keys in hex, by channel. */
  readonly channels: Map<number, string> = new Map();
  /** Whether it has opened more feeds than are kept. */
  hasMoreFeeds = false;
  /** Its first Feed. */
  feed: Feed | undefined;
  /** The extensions of its Handshake, in its order; `undefined` until that came. */
  extensions: readonly string[] | undefined;
  /** Whether it has said that it wants nothing more. */
  isSated = false;
  /** When the last byte came. */
  heardAt: number | undefined;
  /** When it ended, and why where that was not proper. */
  endedAt: number | undefined;
  error: string | undefined;
  /** Why something of it could not be read, and after how many frames. */
  lost: { readonly reason: string; readonly frames: number } | undefined;
  /** Bytes that the capture does not have. */
  missing = 0;
  /** Discovery key of the feed whose key is missing. */
  sealed: string | undefined;

  constructor(direction: Direction, name: string, host: FramesHost) {
    this.direction = direction;
    this.name = name;
    this.frames = new Frames(host);
    this.tally = new Tally(host.limits.channels);
    this.requests = new Requests(host.limits.requests);
  }

  /** What the sender of an extension message means by its number. */
  extensionOf(message: Message): string | undefined {
    return message.type === 'extension' ? this.extensions?.[message.id] : undefined;
  }

  /** The names of a Handshake, as many as a session takes. */
  declare(names: readonly string[], limits: Limits): void {
    this.extensions = names
      .slice(0, limits.extensionNames)
      .map((name) => name.slice(0, limits.extensionNameLength));
  }
}
