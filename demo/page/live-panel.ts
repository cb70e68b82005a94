/** A conversation that goes on now: its controls, its diagram, and what the reader has of it. */
import type { Transport } from 'hypercore-wire';
import { Announcer } from './announcer.ts';
import { BitfieldView } from './bitfield.ts';
import { Controls } from './controls.ts';
import { Conversation, type Ends } from './conversation.ts';
import { Diagram } from './diagram.ts';
import { element } from './element.ts';
import { Log } from './log.ts';
import { PeerWorker } from './peer-worker.ts';
import { Recorder } from './recorder.ts';
import type { Line, Passed } from './relay.ts';
import { Shelf } from './shelf.ts';
import { type Speaker, speaking } from './speaking.ts';
import { TreeView } from './tree.ts';
import { wordsOf } from './words.ts';
import type { FromPeer } from './worker/protocol.ts';

/** Where the feed is, of which the reader makes a copy. */
export interface Source {
  readonly name: string;
  readonly about: string;
  readonly pauseMs: number;
  /** A writer of this page; `tell` takes what it says. */
  start?(tell: (message: FromPeer) => void): PeerWorker;
  /** A writer somewhere else. */
  remote?: { readonly key: string; dial(): Promise<Transport> };
}

export class LivePanel {
  readonly element: HTMLElement;
  readonly #source: Source;
  readonly #line: Line;
  readonly #log = new Log();
  readonly #announcer = new Announcer();
  readonly #controls: Controls;
  readonly #diagram: Diagram;
  readonly #right: HTMLElement;
  #bitfield = new BitfieldView();
  #tree = new TreeView();
  #shelf: Shelf;
  #writer: PeerWorker | undefined;
  #reader: PeerWorker | undefined;
  #conversation: Conversation | undefined;
  /** Of the feeds that were read here. */
  readonly #keys = new Set<string>();
  #isEncrypted = true;
  /** The reader has all that it knows of. */
  #isComplete = false;
  /** Why the link is down, where that is known better than that it is. */
  #cause: string | undefined;

  constructor(source: Source) {
    this.#source = source;
    this.#line = { pauseMs: source.pauseMs, flips: 'nothing' };
    const isHere = source.start !== undefined;
    this.#shelf = new Shelf(isHere);
    this.#controls = new Controls(
      {
        onLink: () => (this.#conversation?.isUp ? this.#cut() : void this.#connect()),
        onFlip: () => this.#flip(),
        onPause: (ms) => {
          this.#line.pauseMs = ms;
        },
        onEncrypted: (isOn) => this.#encrypt(isOn),
        onOver: () => this.start(),
        onSave: () => this.#save(),
      },
      { pauseMs: source.pauseMs, canBePlain: isHere },
    );
    this.#diagram = new Diagram(this.#log, {
      left: { name: source.name, about: source.about },
      right: { name: 'Reader', about: 'copies it' },
      onOpen: (message) => this.#tree.bring(message),
    });
    this.#right = element('section', { class: 'holding card', 'aria-label': 'What the reader has' });
    this.element = element(
      'div',
      { class: 'live' },
      this.#controls.element,
      this.#diagram.element,
      this.#right,
      ...(isHere
        ? [
            speaking({
              onAppend: (text) => this.#append(text),
              onSay: (from, text) => this.#say(from, text),
            }),
          ]
        : []),
      this.#announcer.element,
    );
  }

  get keys(): Iterable<string> {
    return this.#keys;
  }

  /** Begins, or begins anew: with an empty reader, and what this page writes from its first block on. */
  start(): void {
    this.#conversation?.cut();
    this.#writer?.terminate();
    this.#reader?.terminate();
    this.#log.clear();
    this.#complete(false);
    this.#bitfield = new BitfieldView();
    this.#tree = new TreeView();
    this.#shelf = new Shelf(this.#source.start !== undefined);
    this.#right.replaceChildren(
      element('h2', { text: 'What the reader has' }),
      this.#bitfield.element,
      element('h3', { text: 'Merkle tree' }),
      this.#tree.element,
      this.#shelf.element,
    );
    this.#controls.link('connecting');
    this.#controls.say('Starting the peers …');
    const { start, remote } = this.#source;
    this.#writer = start?.((message) => this.#fromWriter(message));
    if (remote !== undefined) this.#startReader(remote.key, remote.dial);
  }

  #fromWriter(message: FromPeer): void {
    if (message.type === 'ready')
      this.#startReader(message.key, () => this.#writer!.connect(this.#isEncrypted));
    if (message.type === 'heard') this.#shelf.heard('The reader', message.text);
    if (message.type === 'failed') this.#controls.say(message.error, 'bad');
  }

  #startReader(key: string, left: () => Transport | Promise<Transport>): void {
    const reader = new PeerWorker((message) => this.#fromReader(message));
    this.#reader = reader;
    reader.tell({ type: 'start', key });
    this.#keys.add(key);
    const ends: Ends = {
      key,
      names: [this.#source.name, 'Reader'],
      left,
      right: () => reader.connect(this.#isEncrypted),
    };
    const conversation = new Conversation(ends, this.#log, this.#line, new Recorder(), {
      onLink: (isUp) => {
        if (conversation === this.#conversation) this.#onLink(isUp);
      },
      onPassed: (passed) => this.#onPassed(passed),
    });
    this.#conversation = conversation;
    void this.#connect();
  }

  #fromReader(message: FromPeer): void {
    switch (message.type) {
      case 'holding': {
        const { holding } = message;
        const known = Math.max(holding.length, holding.remoteLength);
        this.#complete(known > 0 && holding.blocks.every((bit) => bit === 1));
        this.#bitfield.show(holding);
        this.#tree.show(holding);
        return;
      }
      case 'stored':
        return this.#shelf.stored(message.index, message.text);
      case 'heard':
        return this.#shelf.heard(this.#source.name, message.text);
      case 'doubted':
        return this.#log.note(
          'bad',
          'The proof does not fit. The reader asks once more, for the whole of it.',
        );
      case 'rejected':
        this.#bitfield.refused(message.block);
        this.#cause = `The reader refuses what came, and hangs up: ${message.reason}`;
        return this.#log.note('bad', this.#cause);
      case 'disconnected':
        if (this.#cause !== undefined || message.error === undefined) return;
        this.#cause = `The reader: ${message.error}`;
        this.#log.note('bad', this.#cause);
        if (!this.#conversation?.isUp) this.#controls.say(this.#cause, 'bad');
        return;
      case 'failed':
        return this.#controls.say(message.error, 'bad');
    }
  }

  async #connect(): Promise<void> {
    const conversation = this.#conversation;
    if (conversation === undefined) return;
    this.#cause = undefined;
    this.#controls.link('connecting');
    try {
      await conversation.connect();
    } catch (error) {
      if (conversation !== this.#conversation) return;
      this.#controls.link('down');
      this.#controls.say(error instanceof Error ? error.message : String(error), 'bad');
    }
  }

  #onLink(isUp: boolean): void {
    this.#controls.link(isUp ? 'up' : 'down');
    if (isUp) return this.#controls.say('Connected.', 'good');
    this.#bitfield.disconnected();
    this.#arm(false);
    this.#controls.say(this.#cause ?? 'The link is down.', 'bad');
  }

  #onPassed({ message: passed }: Passed): void {
    const { message, direction } = passed;
    if (message.type === 'keepalive') return;
    if (message.type === 'request' && direction === 'in' && message.bytes === 0)
      this.#bitfield.asked(message.index);
    const { title, detail } = wordsOf(passed);
    this.#announcer.message(`${direction === 'out' ? this.#source.name : 'Reader'}: ${title}, ${detail}`);
  }

  #cut(): void {
    this.#cause = 'You cut the link. What the reader has stays: connect again, and it asks for the rest.';
    this.#log.note('bad', 'The link was cut');
    this.#conversation?.cut();
  }

  #flip(): void {
    const isArmed = this.#line.flips === 'nothing';
    this.#arm(isArmed);
    if (!isArmed) return this.#controls.say('The next block passes unharmed.');
    if (!this.#conversation?.isUp)
      return this.#controls.say('The next block will be damaged: connect again.');
    if (!this.#isComplete) return this.#controls.say('The next block will be damaged on its way.');
    if (this.#writer === undefined)
      return this.#controls.say(
        'The reader has all blocks. Start over, and the first one that comes is damaged.',
      );
    this.#controls.say('The reader has all blocks, so another one is appended, to be damaged on its way.');
    this.#writer.tell({ type: 'append', text: 'A block that is damaged on its way' });
  }

  /** Then no block is left to be damaged. */
  #complete(isComplete: boolean): void {
    this.#isComplete = isComplete;
    const first =
      this.#source.start === undefined
        ? 'to flip a bit, start over first'
        : 'to flip a bit, another one is appended';
    this.#controls.flipNeeds(isComplete ? `The reader has all blocks: ${first}.` : '');
  }

  #arm(isArmed: boolean): void {
    this.#line.flips = isArmed ? 'next' : 'nothing';
    this.#controls.armed(isArmed);
  }

  #encrypt(isOn: boolean): void {
    this.#isEncrypted = isOn;
    this.start();
  }

  #save(): void {
    const { recorder } = this.#conversation ?? {};
    if (recorder === undefined) return;
    const url = URL.createObjectURL(recorder.file);
    element('a', { href: url, download: 'conversation.capture.jsonl' }).click();
    // Some browsers begin to fetch it only a while after the click.
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    this.#controls.say(`Saved. Who reads it needs the key: ${[...this.#keys].at(-1)}`, 'good');
  }

  #append(text: string): void {
    this.#writer?.tell({ type: 'append', text });
    const isUp = this.#conversation?.isUp;
    this.#controls.say(
      isUp
        ? 'Appended: the writer tells the reader.'
        : 'Appended: the reader hears of it once connected again.',
      'good',
    );
  }

  #say(from: Speaker, text: string): void {
    if (!this.#conversation?.isUp)
      return this.#controls.say('Nobody hears it: the link is down, and it is kept for nobody.', 'bad');
    (from === 'writer' ? this.#writer : this.#reader)?.tell({ type: 'say', text });
    this.#controls.say('Said. It is stored nowhere.', 'good');
  }
}
