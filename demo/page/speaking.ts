/** The same words in two ways: as a block of the feed, which stays, and as an ephemeral message, which does not. */
import { element } from './element.ts';

export type Speaker = 'writer' | 'reader';

export interface SpeakingHost {
  onAppend(text: string): void;
  onSay(from: Speaker, text: string): void;
}

export function speaking(host: SpeakingHost): HTMLElement {
  const from = element(
    'select',
    {},
    element('option', { value: 'writer', text: 'the writer' }),
    element('option', { value: 'reader', text: 'the reader' }),
  );
  const input = element('input', {
    type: 'text',
    maxlength: 200,
    value: 'Hello from here',
    autocomplete: 'off',
  });
  const append = element('button', { type: 'submit', class: 'main', text: 'Append it as a block' });
  const say = element('button', { type: 'button', text: 'Just say it' });
  const hint = element('p', { class: 'hint', id: 'speaking-hint' });
  const isWriter = (): boolean => from.value === 'writer';
  const show = (): void => {
    append.disabled = !isWriter();
    hint.textContent = isWriter()
      ? 'A block is signed, proven and stored. What is just said goes by as an ephemeral message: neither signed nor stored.'
      : 'Only the writer has the secret key, so the reader cannot append. It can say something.';
  };
  from.addEventListener('change', show);
  show();
  const form = element(
    'form',
    {},
    element('label', {}, element('span', { text: 'Who' }), from),
    element('label', { class: 'wide' }, element('span', { text: 'What' }), input),
    element('div', { class: 'buttons' }, append, say),
    hint,
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (isWriter()) host.onAppend(input.value);
  });
  say.addEventListener('click', () => host.onSay(from.value as Speaker, input.value));
  return element(
    'section',
    { class: 'speaking card', 'aria-label': 'Say something' },
    element('h2', { text: 'Say something' }),
    form,
  );
}
