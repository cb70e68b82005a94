/** The channels that the remote opens, until somebody asks for them. */
import type { Channel } from './channel.ts';
import { NONE } from './none.ts';

export class Offers {
  #waiting: readonly Channel[] = NONE;
  #onChange: readonly (() => void)[] = NONE;
  #hasEnded = false;

  add(channel: Channel): void {
    this.#waiting = [...this.#waiting, channel];
    this.#wake();
  }

  /** The channel is not to be handed out any more. */
  withdraw(channel: Channel): void {
    this.#waiting = this.#waiting.filter((other) => other !== channel);
  }

  /** No more will come. */
  end(): void {
    this.#hasEnded = true;
    this.#wake();
  }

  /** In order, each once, until the end. */
  async *take(): AsyncGenerator<Channel, void, undefined> {
    for (;;) {
      const [channel] = this.#waiting;
      if (channel !== undefined) {
        this.#waiting = this.#waiting.slice(1);
        yield channel;
      } else if (this.#hasEnded) return;
      else
        await new Promise<void>((resolve) => {
          this.#onChange = this.#onChange.concat(resolve);
        });
    }
  }

  #wake(): void {
    const waiting = this.#onChange;
    this.#onChange = NONE;
    for (const wake of waiting) wake();
  }
}
