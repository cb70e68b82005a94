/** What the person can do to the line. */
import { element, newId } from './element.ts';

export interface ControlsHost {
  /** Cuts the link, or connects again. */
  onLink(): void;
  onFlip(): void;
  onPause(ms: number): void;
  onEncrypted(isOn: boolean): void;
  onOver(): void;
  onSave(): void;
}

export class Controls {
  readonly element: HTMLElement;
  readonly #link: HTMLButtonElement;
  readonly #flip: HTMLButtonElement;
  readonly #flipHint: HTMLElement;
  readonly #status: HTMLElement;
  readonly #lamp: HTMLElement;

  constructor(host: ControlsHost, options: { readonly pauseMs: number; readonly canBePlain: boolean }) {
    this.#link = button('Cut the link', 'main', () => host.onLink());
    this.#flip = button('Flip a bit in the next block', '', () => host.onFlip());
    this.#flip.setAttribute('aria-pressed', 'false');
    this.#flipHint = element('p', { class: 'hint', id: newId('flip') });
    this.#flip.setAttribute('aria-describedby', this.#flipHint.id);
    this.#lamp = element('span', { class: 'lamp', 'aria-hidden': 'true' });
    this.#status = element('p', { class: 'status', role: 'status' });
    this.element = element(
      'section',
      { class: 'controls card', 'aria-label': 'The line between them' },
      element('h2', {}, this.#lamp, 'The line between them'),
      this.#status,
      element('div', { class: 'buttons' }, this.#link, this.#flip),
      this.#flipHint,
      slider(options.pauseMs, (ms) => host.onPause(ms)),
    );
    if (options.canBePlain) this.element.append(cipherBox((isOn) => host.onEncrypted(isOn)));
    this.element.append(
      element(
        'div',
        { class: 'buttons small' },
        button('Start over', 'quiet', () => host.onOver()),
        button('Save as a capture', 'quiet', () => host.onSave()),
      ),
    );
  }

  /** Whether the link is there, and what can be done about it. */
  link(state: 'connecting' | 'up' | 'down'): void {
    this.#lamp.dataset.state = state;
    this.#link.disabled = state === 'connecting';
    this.#link.textContent = state === 'down' ? 'Connect again' : 'Cut the link';
  }

  /** What the flip of a bit has to do first. */
  flipNeeds(text: string): void {
    this.#flipHint.textContent = text;
  }

  /** Whether the next block is to be damaged. */
  armed(isArmed: boolean): void {
    this.#flip.setAttribute('aria-pressed', String(isArmed));
  }

  /** What has come of what was done, and what can be done next. */
  say(text: string, tone: 'plain' | 'good' | 'bad' = 'plain'): void {
    this.#status.className = `status ${tone}`;
    this.#status.textContent = text;
  }
}

function button(text: string, kind: string, onClick: () => void): HTMLButtonElement {
  const made = element('button', { type: 'button', class: kind, text });
  made.addEventListener('click', onClick);
  return made;
}

function slider(value: number, onInput: (ms: number) => void): HTMLElement {
  const input = element('input', { type: 'range', min: 0, max: 1000, step: 50, value });
  const output = element('output');
  const show = (): void => {
    const ms = Number(input.value);
    output.textContent = ms === 0 ? 'none' : `${ms} ms`;
    input.setAttribute('aria-valuetext', output.textContent);
    onInput(ms);
  };
  input.addEventListener('input', show);
  show();
  return element(
    'label',
    { class: 'slider' },
    element('span', { text: 'Pause before each message' }),
    input,
    output,
  );
}

function cipherBox(onChange: (isOn: boolean) => void): HTMLElement {
  const input = element('input', { type: 'checkbox', checked: true });
  input.addEventListener('change', () => onChange(input.checked));
  return element('label', { class: 'check' }, input, element('span', { text: 'Encipher the connection' }));
}
