/**
 * Whether a message is known to come from whom it names. The two kinds cannot take each other's place: a function
 * that asks for a {@link Verified} message does not compile with one of `session-data` or `ephemeral`.
 */

/** Anybody who holds the feed's key could have said this, and whoever is in between could have changed it. */
export interface Unverified {
  readonly verified: false;
}

/** Signed, or sealed, by its sender. */
export interface Verified {
  readonly verified: true;
  readonly sender: Sender;
}

/** What a key may say about a feed: its author, whom the author has delegated, and everybody else who reads it. */
export type Role = 'author' | 'delegate' | 'reader';

/** Who has signed. */
export interface Sender {
  /** The identity's public key in hex: 64 characters. */
  readonly id: string;
  /** The same as 32 bytes. */
  readonly key: Uint8Array;
  readonly role: Role;
}
