/**
 * What the fields of each message are called and are for, as in `proto/`: the names and numbers there, the sentences
 * here. Read by `protobuf-fields.ts`.
 */
import type { Message } from '../wire/messages.ts';

/** A field of protobuf. */
export interface FieldSchema {
  readonly name: string;
  readonly kind: 'number' | 'flag' | 'bytes' | 'text' | 'message';
  readonly explanation: string;
  /** Of a `message`, and of `bytes` that hold one. */
  readonly schema?: Schema;
  /** Of `bytes` that are no hash or key: with a structure of their own, or whatever an app puts there. */
  readonly format?: 'bitfield' | 'free';
  readonly unit?: 'ms' | 'bytes' | 'time';
}

/** Fields by their number. */
export type Schema = Readonly<Partial<Record<number, FieldSchema>>>;

type Kind = FieldSchema['kind'];
type Rest = Omit<FieldSchema, 'name' | 'kind' | 'explanation'>;

const field = (name: string, kind: Kind, explanation: string, rest: Rest = {}): FieldSchema => ({
  name,
  kind,
  explanation,
  ...rest,
});

const range = (start: string, length: string): Schema => ({
  1: field('start', 'number', start),
  2: field('length', 'number', length),
});

const index = field('index', 'number', 'The block, counted from 0.');

const node: Schema = {
  1: field(
    'index',
    'number',
    'The place in the tree: leaves have even numbers, their parents the odd ones between.',
  ),
  2: field('hash', 'bytes', 'BLAKE2b over the block, or over both children.'),
  3: field('size', 'number', 'Bytes of all blocks below.', { unit: 'bytes' }),
};

/** By type; the types without fields are left out. */
export const messageSchemas: Readonly<Partial<Record<Message['type'], Schema>>> = {
  feed: {
    1: field(
      'discoveryKey',
      'bytes',
      'Which feed: a hash of its key, so that only who has the key knows the feed by it.',
    ),
    2: field(
      'nonce',
      'bytes',
      'With the key of the feed it makes the keystream of all that follows in this direction.',
    ),
  },
  handshake: {
    1: field(
      'id',
      'bytes',
      'Who the sender is: random bytes, new for each run. A claim that nothing proves.',
    ),
    2: field('live', 'flag', 'Whether the sender means to stay when it has all there is.'),
    3: field('userData', 'bytes', "Anything of the application's own.", { format: 'free' }),
    4: field(
      'extensions',
      'text',
      'An extension that the sender knows. Its place in the list, from 0, is its number in messages.',
    ),
    5: field('ack', 'flag', 'Whether the sender wants to hear of every block that the other side stores.'),
  },
  info: {
    1: field('uploading', 'flag', 'Whether the sender gives blocks.'),
    2: field('downloading', 'flag', 'Whether the sender still wants blocks.'),
  },
  have: {
    1: field('start', 'number', 'The first block that this is about.'),
    2: field('length', 'number', 'How many blocks this is about; 1 where it is left out.'),
    3: field(
      'bitfield',
      'bytes',
      'Which of these blocks the sender has, a bit each, run-length encoded. Without it the sender has them all.',
      { format: 'bitfield' },
    ),
    4: field('ack', 'flag', 'Whether this confirms a block that the other side sent.'),
  },
  unhave: range('The first block that the sender has no longer.', 'How many blocks; 1 where it is left out.'),
  want: range(
    'The first block of which the sender wants to hear whether the other side has it.',
    'How many blocks; 0 or left out for all that follow.',
  ),
  unwant: range(
    'The first block of which the sender wants to hear no more.',
    'How many blocks; 0 or left out for all that follow.',
  ),
  request: {
    1: index,
    2: field('bytes', 'number', 'Not 0: the block with this byte of the feed is asked for instead.'),
    3: field('hash', 'flag', 'Whether the proof is wanted without the block.'),
    4: field(
      'nodes',
      'number',
      'Which nodes of the tree the sender has, a bit each, so that they are left out of the proof.',
    ),
    15: field(
      'batched',
      'flag',
      'Whether the proof may leave out what the answers right before it prove. hypercore-wire has it, hypercore 7 skips it.',
    ),
  },
  cancel: {
    1: index,
    2: field('bytes', 'number', 'As in the Request that is taken back.'),
    3: field('hash', 'flag', 'As in the Request that is taken back.'),
  },
  data: {
    1: index,
    2: field('value', 'bytes', 'The block itself.', { format: 'free' }),
    3: field('nodes', 'message', 'A node of the Merkle tree that the receiver needs to prove the block.', {
      schema: node,
    }),
    4: field('signature', 'bytes', "The writer's Ed25519 signature over the roots of the tree."),
  },
};

const ephemeral: Schema = {
  1: field('contentType', 'text', 'What the payload is; application/octet-stream where it is left out.'),
  2: field('payload', 'bytes', 'The message itself. Nobody signed it.', { format: 'free' }),
};

const delegation: Schema = {
  1: field('expires', 'number', 'Until when the sender may speak for the feed.', { unit: 'time' }),
  2: field('signature', 'bytes', "By the feed's key."),
};

const signedBody: Schema = {
  1: field('sender', 'bytes', "The sender's identity, an Ed25519 public key."),
  2: field('epoch', 'number', 'Larger at each start of the sender, so that nothing old counts again.'),
  3: field('sequence', 'number', 'Larger by one with each message of an epoch.'),
  4: field('timestamp', 'number', 'When it was sent, by the clock of the sender.', { unit: 'time' }),
  5: field('audience', 'bytes', 'For whom it is; left out where it is for everybody.'),
  6: field('contentType', 'text', 'What the payload is; application/octet-stream where it is left out.'),
  7: field('payload', 'bytes', 'The message itself.', { format: 'free' }),
  8: field('delegation', 'message', "By which the feed's key lets the sender speak for it.", {
    schema: delegation,
  }),
};

const hello: Schema = {
  1: field('sender', 'bytes', "The sender's identity, an Ed25519 public key."),
  2: field('key', 'bytes', 'An X25519 public key, made for this connection alone.'),
  3: field('delegationExpires', 'number', 'Until when the sender may speak for the feed.', { unit: 'time' }),
  4: field('delegationSignature', 'bytes', "By the feed's key."),
};

const writer: Schema = {
  1: field('key', 'bytes', 'A feed that the sender writes.'),
  2: field('signature', 'bytes', "By that feed's key."),
};

/** Of the payload of a SignedBody, by its content type. */
export const payloadSchemas: Readonly<Partial<Record<string, Schema>>> = {
  'hypercore/presence': {
    1: field('state', 'bytes', 'What the sender says of itself.', { format: 'free' }),
    2: field('ttl', 'number', 'How long it counts as present without another word.', { unit: 'ms' }),
    3: field('writers', 'message', 'A feed that the sender writes.', { schema: writer }),
    4: field('leaving', 'flag', 'Whether it is not present any more.'),
  },
};

/** Of the payload of an extension, by its name. */
export const extensionSchemas: Readonly<Partial<Record<string, Schema>>> = {
  ephemeral,
  'signed-ephemeral/1': {
    1: field('body', 'bytes', 'The message, in the very bytes that were signed.', { schema: signedBody }),
    2: field('signature', 'bytes', 'By the sender that the body names.'),
    3: field('hops', 'number', 'How many more times it may be passed on; 0 where it is left out.'),
  },
  'sealed-ephemeral/1': {
    1: field('hello', 'bytes', 'How a side makes itself known, in the very bytes that were signed.', {
      schema: hello,
    }),
    2: field('signature', 'bytes', 'By the sender that the hello names.'),
    3: field('counter', 'number', 'Larger with each box, so that none counts twice.'),
    4: field(
      'box',
      'bytes',
      "A message that only the other end of this connection opens. The feed's key does not.",
    ),
  },
};
