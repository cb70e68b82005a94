/** A capture file: chosen or dropped, read with the keys that are known here, and shown like a conversation that goes on. */
import { type CapturedEvent, CaptureInspector, type DirectionStatistics } from 'hypercore-wire/inspect';
import { Diagram } from './diagram.ts';
import { element } from './element.ts';
import { Log } from './log.ts';
import { bytesText } from './words.ts';

export class CapturePanel {
  readonly element: HTMLElement;
  readonly #log = new Log();
  readonly #knownKeys: () => Iterable<string>;
  readonly #key: HTMLInputElement;
  readonly #status: HTMLElement;
  readonly #sums: HTMLElement;
  #file: File | undefined;

  /** `knownKeys`: of the feeds that this page has seen. */
  constructor(knownKeys: () => Iterable<string>) {
    this.#knownKeys = knownKeys;
    const chooser = element('input', { type: 'file' });
    this.#key = element('input', {
      type: 'text',
      placeholder: '64 hex characters',
      autocomplete: 'off',
      spellcheck: 'false',
    });
    this.#status = element('p', { class: 'status', role: 'status', text: 'No capture yet.' });
    this.#sums = element('ul', { class: 'sums', 'aria-label': 'Sums' });
    const diagram = new Diagram(this.#log, {
      left: { name: 'Out', about: 'the side that connected' },
      right: { name: 'In', about: 'the side that answered' },
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
      this.#say(`${file.name}, ${bytesText(file.size)}.`, 'good');
      inspector.end();
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
      case 'note':
        return this.#log.note('bad', event.text);
      case 'end':
        if (event.error !== undefined) this.#log.note('bad', `One direction has ended: ${event.error}`);
        return;
      case 'statistics':
        return this.#sums.append(...(['out', 'in'] as const).map((name) => sum(name, event[name])));
      case 'verdict':
        this.#sums.append(element('li', { class: event.ok ? 'good' : 'bad', text: sentence(event.text) }));
        return this.#log.note(event.ok ? 'good' : 'bad', sentence(event.text));
    }
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

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

function sentence(text: string): string {
  const first = text.slice(0, 1).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
