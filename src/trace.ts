/** What a session reports to a trace listener. Types only; without a listener no event is created. */
import type { Message, Sendable } from './wire/messages.ts';

/** One thing that happened. */
export type TraceEvent =
  /** A message went out or came in, on the sender's channel number. */
  | {
      readonly type: 'message';
      readonly direction: 'in';
      readonly channel: number;
      readonly message: Message;
    }
  | {
      readonly type: 'message';
      readonly direction: 'out';
      readonly channel: number;
      readonly message: Sendable;
    }
  /** Something the remote sent was ignored; `reason` says what and why. */
  | { readonly type: 'dropped'; readonly channel: number; readonly reason: string }
  /** The session went on to this state. */
  | { readonly type: 'state'; readonly state: 'connecting' | 'open' | 'closing' | 'closed' };

/** Takes the events as they happen. What it throws ends the session. */
export type TraceListener = (event: TraceEvent) => void;
