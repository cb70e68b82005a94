/** A capture file: chosen or dropped, read with the keys that are known here, and shown like a conversation that goes on. */
import {
  type CapturedEvent,
  CaptureInspector,
  type DirectionStatistics,
  type StatisticsEvent,
} from 'hypercore-wire/inspect';
import { Diagram } from './diagram.ts';
import { element, newId } from './element.ts';
import { Log } from './log.ts';
import { bytesText } from './words.ts';

export class CapturePanel {
  readonly element: HTMLElement;
  readonly #log = new Log();
  readonly #knownKeys: () => Iterable<string>;
  readonly #key: HTMLInputElement;
  readonly #status: HTMLElement;
  readonly #sums: HTMLElement;
  /** What is said by the key's field. */
  readonly #advice: HTMLElement;
  /** Discovery keys of the feeds whose keys are missing. */
  readonly #missing = new Set<string>();
  #file: File | undefined;

  /** `knownKeys`: of the feeds that this page has seen. */
  constructor(knownKeys: () => Iterable<string>) {
    this.#knownKeys = knownKeys;
    const chooser = element('input', { type: 'file' });
    this.#advice = element('p', { class: 'advice', role: 'status', id: newId('advice') });
    this.#key = element('input', {
      type: 'text',
      'aria-describedby': this.#advice.id,
      placeholder: '64 hex characters',
      autocomplete: 'off',
      spellcheck: 'false',
    });
    this.#status = element('p', { class: 'status', role: 'status', text: 'No capture yet.' });
    this.#sums = element('ul', { class: 'sums', 'aria-label': 'Sums' });
    const diagram = new Diagram(this.#log, {
      left: { name: 'Out', about: 'the side that connected' },
      right: { name: 'In', about: 'the side that answered' },
      empty: 'Here comes what they have said, once a capture is dropped.',
    });
    this.element = element(
      'div',
      { class: 'live' },
      element(
        'section',
        { class: 'capture controls card', 'aria-label': 'A capture' },
        element('h2', { text: 'A capture' }),
        element(
          'label',
          { class: 'drop' },
          element('span', { text: 'Drop a file anywhere on this page, or choose one:' }),
          chooser,
        ),
        element(
          'label',
          {},
          element('span', { text: 'Key of its feed, unless this page has seen it' }),
          this.#key,
        ),
        this.#advice,
        this.#status,
        this.#sums,
        element('p', {
          class: 'hint',
          text:
            'It may be what "Save as a capture" or hypercore-wire inspect has written, a pcap or pcapng with TCP, or the ' +
            'bare bytes of one direction. It is read here, and sent nowhere.',
        }),
      ),
      diagram.element,
    );
    chooser.addEventListener('change', () => {
      const [file] = chooser.files ?? [];
      if (file !== undefined) void this.read(file);
    });
    this.#key.addEventListener('change', () => {
      if (this.#file !== undefined) void this.read(this.#file);
    });
  }

  async read(file: File): Promise<void> {
    this.#file = file;
    this.#log.clear();
    this.#sums.replaceChildren();
    this.#missing.clear();
    this.#advise(false);
    this.#say(`Reading ${file.name} …`, 'plain');
    try {
      const typed = this.#key.value.trim();
      const keys = [...this.#knownKeys(), ...(typed === '' ? [] : [typed])];
      const inspector = new CaptureInspector({ keys, listener: (event) => this.#take(event) });
      for await (const chunk of file.stream()) {
        // Another one was chosen meanwhile.
        if (this.#file !== file) return;
        inspector.push(chunk);
      }
      inspector.end();
      this.#say(`${file.name}, ${bytesText(file.size)}.`, this.#missing.size === 0 ? 'good' : 'plain');
      this.#advise(typed !== '');
    } catch (error) {
      this.#say(`${file.name} cannot be read: ${error instanceof Error ? error.message : error}`, 'bad');
    }
  }

  #take(event: CapturedEvent): void {
    switch (event.event) {
      case 'message':
        return this.#log.message({ message: event, time: event.time, flip: undefined });
      case 'connection': {
        const ends =
          event.from === undefined || event.to === undefined ? '' : `: ${event.from} to ${event.to}`;
        return this.#log.note('plain', `Connection ${event.connection}${ends}`);
      }
      case 'warning':
      case 'fault':
        if (event.missingKey === undefined) return this.#log.note('bad', event.text);
        // Said once, by the field that mends it.
        this.#missing.add(event.missingKey);
        return;
      case 'note':
        return this.#log.note('bad', event.text);
      case 'end':
        if (event.error !== undefined) this.#log.note('bad', `One direction has ended: ${event.error}`);
        return;
      case 'statistics':
        if (this.#missing.size > 0 && event.out.unreadBytes + event.in.unreadBytes > 0)
          this.#log.note('plain', unread(event));
        return this.#sums.append(...(['out', 'in'] as const).map((name) => sum(name, event[name])));
      case 'verdict':
        if (event.missingKey !== undefined) return;
        this.#sums.append(element('li', { class: event.ok ? 'good' : 'bad', text: sentence(event.text) }));
        return this.#log.note(event.ok ? 'good' : 'bad', sentence(event.text));
    }
  }

  /** Which keys are missing, where any are, and where they are to be had. */
  #advise(hasTyped: boolean): void {
    const missing = [...this.#missing];
    this.#key.setAttribute('aria-invalid', String(missing.length > 0));
    if (missing.length === 0) return this.#advice.replaceChildren();
    this.#advice.replaceChildren(
      element('b', {
        text: hasTyped
          ? 'This is not the key of its feed. '
          : 'This capture is enciphered: its key is missing. ',
      }),
      'Whoever shares the feed has it: hypercore-wire share prints it, and so does "Save as a capture" on this page. ',
      missing.length === 1
        ? 'The feed is the one with the discovery key '
        : `There are ${missing.length} feeds, the first with the discovery key `,
      element('code', { text: missing[0]! }),
      '.',
    );
  }

  #say(text: string, tone: string): void {
    this.#status.className = `status ${tone}`;
    this.#status.textContent = text;
  }
}

function sum(name: string, { frames, bytes, blocks, unreadBytes }: DirectionStatistics): HTMLElement {
  const unread = unreadBytes === 0 ? '' : `; ${bytesText(unreadBytes)} could not be read`;
  return element('li', {
    text: `${name === 'out' ? 'Out' : 'In'}: ${count(frames, 'message')}, ${bytesText(bytes)}, ${count(blocks, 'block')}${unread}.`,
  });
}

/** What of a connection is enciphered, in one line. */
function unread({ out, in: back }: StatisticsEvent): string {
  return `Enciphered: ${bytesText(out.unreadBytes)} of Out, ${bytesText(back.unreadBytes)} of In.`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

function sentence(text: string): string {
  const first = text.slice(0, 1).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
