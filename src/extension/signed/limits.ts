/** Every cap on what peers can make a signed channel hold or do, each with its reason. */
import { assertInteger } from '../../errors.ts';
import { assertRate, type MessageRate } from '../token-bucket.ts';

/**
 * Caps on what others can make signed messages hold or do; see {@link defaultSignedLimits} for the values and
 * their reasons.
 */
export interface SignedLimits {
  /** Bytes of a message's payload, both ways. */
  readonly payloadBytes: number;
  /** Milliseconds by which a message's timestamp may lie before or after this side's clock. */
  readonly skewMs: number;
  /** Senders that are remembered, and members of a room. */
  readonly senders: number;
  /** How many times a message may be passed on. */
  readonly hops: number;
  /** Messages that are looked at, of one connection. */
  readonly linkRate: MessageRate;
  /** Of those, messages of senders not heard before: each costs a signature check, whoever made it. */
  readonly unknownRate: MessageRate;
  /** Signatures that may be wrong, of one connection, before it is not listened to for a while. */
  readonly faultRate: MessageRate;
  /** Messages that are delivered and passed on, of one sender. */
  readonly senderRate: MessageRate;
}

/** The limits that apply by default. */
export const defaultSignedLimits: SignedLimits = {
  // As the extension `ephemeral` suggests.
  payloadBytes: 2048,
  // Machines that keep their time are seconds apart; many phones and laptops are off by a minute.
  skewMs: 120_000,
  // Some 200 bytes each.
  senders: 4096,
  // Rooms of peers that are connected at random are some four hops wide at thousands of members.
  hops: 8,
  // A signature check takes 0.1 to 0.2 ms, so that a hostile connection can take less than a tenth of a core.
  linkRate: { perSecond: 500, burst: 2000 },
  // A room of a thousand is met at once by who enters it.
  unknownRate: { perSecond: 100, burst: 1000 },
  // Whoever passes messages on has verified them, so none should be wrong.
  faultRate: { perSecond: 1, burst: 20 },
  // A cursor that moves 30 times a second, and some words beside it.
  senderRate: { perSecond: 50, burst: 100 },
};

/** The defaults with `overrides` in their place. @throws TypeError, RangeError for an invalid value. */
export function withSignedDefaults(overrides: Partial<SignedLimits> = {}): SignedLimits {
  const limits = { ...defaultSignedLimits, ...overrides };
  for (const [name, value] of Object.entries(limits)) {
    if (!(name in defaultSignedLimits)) {
      throw new RangeError(
        `"limits" expected one of ${Object.keys(defaultSignedLimits).join(', ')}, got "${name}"`,
      );
    }
    if (typeof value === 'object') assertRate(`limits.${name}`, value);
    else assertInteger(`limits.${name}`, value, name === 'hops' ? 0 : 1);
  }
  return limits;
}
