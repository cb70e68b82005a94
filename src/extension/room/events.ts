/** What a room tells of itself, to whoever subscribes. */
import type { RefusalReason } from '../signed/receiver.ts';
import type { Verified } from '../verified.ts';
import type { Member } from './members.ts';

/** What happens in a room. */
export type RoomEvent<State, Message> =
  /** Somebody is here now. */
  | { readonly type: 'join'; readonly member: Member<State> }
  /** A member says something else of itself. */
  | { readonly type: 'update'; readonly member: Member<State> }
  /** A member is gone: it said so, was not heard for too long, or was denied. */
  | {
      readonly type: 'leave';
      readonly member: Member<State>;
      readonly reason: 'left' | 'silent' | 'denied';
    }
  /** Somebody says something, to all or `toMe` alone. */
  | (Verified & {
      readonly type: 'message';
      readonly message: Message;
      readonly toMe: boolean;
      readonly timestamp: number;
      /** How many of the sender's messages before this one did not come. */
      readonly skipped: number;
    })
  /**
   * Something was refused; `sender` is what it claims. Where everything is `expired` or `future`, this machine's
   * clock is wrong, by `skewMs`. `malformed` also for what a codec cannot read, `forged` also for a writer's proof.
   */
  | {
      readonly type: 'dropped';
      readonly reason: RefusalReason;
      readonly sender?: string | undefined;
      readonly skewMs?: number | undefined;
    }
  /** This identity is in use elsewhere, from a later start: nobody hears this side any more. */
  | { readonly type: 'superseded' };

/** A feed that a member has proven to write. */
export interface Writer<State> {
  /** 32 bytes. */
  readonly key: Uint8Array;
  readonly member: Member<State>;
}
