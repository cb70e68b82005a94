/**
 * Calls over a folder's port. One message is under way at a time: what is called meanwhile goes together in the
 * next one, so what a worker has to do for one storage is bounded, and answers need no numbers.
 */
import { StorageError } from '../../errors.ts';
import { type Deferred, deferred } from '../../stream/deferred.ts';
import type { Connection } from './connect.ts';
import { watchLife } from './life.ts';
import { type Answer, type Call, transferable } from './messages.ts';
import { listen } from './port.ts';
import { isSentError, receivedError } from './sent-error.ts';

/** Bytes that one message writes and reads, at most, unless a single call has more. */
const MESSAGE_BYTES = 4_194_304;

interface Waiting {
  readonly call: Call;
  readonly outcome: Deferred<unknown>;
}

export class Calls {
  readonly #connection: Connection;
  readonly #folder: string;
  readonly #lost: Deferred<StorageError> = deferred();
  readonly #stops: (() => void)[];
  readonly #waiting: Waiting[] = [];
  /** What is under way. */
  #sent: readonly Waiting[] = [];
  #isDue = false;
  #error: StorageError | undefined;

  constructor(connection: Connection, folder: string) {
    this.#connection = connection;
    this.#folder = folder;
    const { port, remoteLife } = connection;
    this.#stops = [
      listen(
        port,
        (message) => this.#onMessage(message),
        (why) => this.#lose(why),
      ),
      watchLife(remoteLife, () => this.#lose('it was terminated, or its page was closed')),
    ];
  }

  /** Resolves if the other side goes while this one goes on. */
  get lost(): Promise<StorageError> {
    return this.#lost.promise;
  }

  get isLost(): boolean {
    return this.#error !== undefined;
  }

  /** Resolves to the answer. @throws StorageError `platform` once it is lost; what the call throws. */
  call(call: Call): Promise<unknown> {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    const outcome = deferred<unknown>();
    this.#waiting.push({ call, outcome });
    this.#sendSoon();
    return outcome.promise;
  }

  /** Lets go of the port. Idempotent. */
  end(): void {
    for (const stop of this.#stops.splice(0)) stop();
    this.#connection.port.close?.();
    this.#connection.life.release();
    this.#fail(
      new StorageError('platform', `${this.#folder} was closed before this was done: open it again.`),
    );
  }

  /** What is called in the same breath goes along. */
  #sendSoon(): void {
    if (this.#isDue || this.#sent.length > 0) return;
    this.#isDue = true;
    Promise.resolve().then(() => {
      this.#isDue = false;
      if (this.#error === undefined) this.#send();
    });
  }

  #send(): void {
    let count = 0;
    for (let bytes = 0; count < this.#waiting.length && bytes < MESSAGE_BYTES; count++) {
      bytes += weight(this.#waiting[count]!.call);
    }
    this.#sent = this.#waiting.splice(0, count);
    const calls = this.#sent.map(({ call }) => call);
    const arrays = calls.flatMap((call) => (call.call === 'write' ? [call.bytes] : []));
    this.#connection.port.postMessage(calls, transferable(arrays));
  }

  #onMessage(message: unknown): void {
    const sent = this.#sent;
    const answers = (message as { answers?: unknown } | null)?.answers;
    if (sent.length === 0 || !areAnswers(answers, sent)) {
      return this.#lose('it does not speak as this side does: load the page anew');
    }
    this.#sent = [];
    answers.forEach((answer, i) => {
      const { outcome } = sent[i]!;
      if ('error' in answer) outcome.reject(receivedError(answer.error));
      else outcome.resolve(answer.value);
    });
    if (this.#waiting.length > 0) this.#sendSoon();
  }

  #lose(why: string): void {
    const error = new StorageError(
      'platform',
      `The worker that has the files of ${this.#folder} is gone (${why}). What was acknowledged is stored: close the feed, and open it again with a worker that is there.`,
    );
    if (this.#error === undefined) this.#lost.resolve(error);
    this.#fail(error);
  }

  #fail(error: StorageError): void {
    this.#error ??= error;
    for (const { outcome } of [...this.#sent, ...this.#waiting.splice(0)]) outcome.reject(this.#error);
    this.#sent = [];
  }
}

/** Bytes that a call brings, or asks for. */
function weight(call: Call): number {
  if (call.call === 'write') return call.bytes.byteLength;
  return call.call === 'read' ? call.length : 0;
}

function areAnswers(answers: unknown, sent: readonly Waiting[]): answers is Answer[] {
  return (
    Array.isArray(answers) &&
    answers.length === sent.length &&
    sent.every(({ call }, i) => isAnswer(answers[i], call))
  );
}

/** Whether an answer has what its call asked for, or an error. */
function isAnswer(answer: unknown, call: Call): boolean {
  const { value, error } = (answer ?? {}) as { value?: unknown; error?: unknown };
  if (error !== undefined) return isSentError(error);
  if (call.call === 'size') return Number.isSafeInteger(value);
  if (call.call === 'read') return value instanceof Uint8Array && value.byteLength === call.length;
  return value === undefined;
}
