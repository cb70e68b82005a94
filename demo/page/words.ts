/** Messages in a few words, and what each kind of them is for. */
import type { InspectedField, MessageEvent as Message } from 'hypercore-wire/inspect';

/** Which colour an arrow has. */
export type Kind = 'opening' | 'telling' | 'asking' | 'block' | 'ephemeral' | 'alive' | 'odd';

interface Words {
  readonly kind: Kind;
  readonly title: string;
  /** What of it, and of what. */
  readonly detail: string;
  /** What such a message is for, for somebody who sees it for the first time. */
  readonly purpose: string;
}

const blocks = (start: number, length: number): string =>
  length === 1 ? `block ${start}` : `blocks ${start} to ${start + length - 1}`;

export function wordsOf({ message, extension, frame }: Message): Words {
  switch (message.type) {
    case 'feed':
      return {
        kind: 'opening',
        title: 'Feed',
        detail: message.nonce === undefined ? 'this is the feed' : 'this is the feed, and my nonce',
        purpose:
          'Opens the conversation. It names the feed by its discovery key, which does not give the key away, and ' +
          'is never enciphered. With its nonce and the key, both sides make the keystream for all that follows.',
      };
    case 'handshake':
      return {
        kind: 'opening',
        title: 'Handshake',
        detail: message.live ? 'I stay for what comes' : 'this is me',
        purpose:
          'Once a session: a random id, whether this side stays for new blocks, and the extensions that it knows. ' +
          'That it can be deciphered shows that its sender has the key.',
      };
    case 'info':
      return {
        kind: 'opening',
        title: 'Info',
        detail: `${message.uploading ? 'I give' : 'I give nothing'}, ${message.downloading ? 'I take' : 'I need nothing'}`,
        purpose:
          'What its sender is doing from now on. When neither side takes anything more, both may hang up.',
      };
    case 'want':
      return {
        kind: 'telling',
        title: 'Want',
        detail:
          message.length === 0 ? `from block ${message.start} on` : blocks(message.start, message.length),
        purpose: 'Of this range its sender wants to hear which blocks the other side has.',
      };
    case 'have':
      return {
        kind: 'telling',
        title: 'Have',
        detail:
          message.bitfield !== undefined
            ? `from block ${message.start}, as a bitfield`
            : `${blocks(message.start, message.length)}${message.ack ? ', stored' : ''}`,
        purpose: 'Tells which blocks its sender has: a range, or a bitfield in a few bytes of run lengths.',
      };
    case 'unhave':
      return {
        kind: 'telling',
        title: 'Unhave',
        detail: blocks(message.start, message.length),
        purpose: 'Takes a Have back: these blocks are not here any more.',
      };
    case 'unwant':
      return {
        kind: 'telling',
        title: 'Unwant',
        detail: blocks(message.start, message.length),
        purpose: 'Takes a Want back.',
      };
    case 'request':
      return {
        kind: 'asking',
        title: 'Request',
        detail: message.bytes > 0 ? `the block with byte ${message.bytes}` : `block ${message.index}`,
        purpose:
          'Asks for one block. In a few bits it also says which nodes of the tree are here already, so that the ' +
          'proof leaves them out.',
      };
    case 'cancel':
      return {
        kind: 'asking',
        title: 'Cancel',
        detail: `block ${message.index}`,
        purpose: 'Takes a Request back: somebody else was faster.',
      };
    case 'data': {
      const proof = `${message.nodes.length} node${message.nodes.length === 1 ? '' : 's'}`;
      return {
        kind: 'block',
        title: 'Data',
        detail: `block ${message.index}, ${proof}${message.signature === undefined ? '' : ', signed'}`,
        purpose:
          'A block with its proof: the nodes of the Merkle tree that are needed to hash the way up to what is signed ' +
          'with the key. It is stored once that fits, and refused otherwise.',
      };
    }
    case 'extension':
      return {
        kind: 'ephemeral',
        title: extension ?? `Extension ${message.id}`,
        detail: payloadOf(frame.fields) ?? bytesText(message.payload.byteLength),
        purpose:
          'A message of an extension, beside the feed. Nothing of it is signed by the protocol, or stored.',
      };
    case 'keepalive':
      return {
        kind: 'alive',
        title: 'Keepalive',
        detail: 'still here',
        purpose: 'One byte of nothing. Who is not heard for 7.5 s is taken to be gone.',
      };
    case 'unassigned':
    case 'unreadable':
      return {
        kind: 'odd',
        title: message.type === 'unreadable' ? 'Unreadable' : 'Unassigned',
        detail: message.type === 'unreadable' ? message.reason : 'says nothing in this dialect',
        purpose: 'A frame that this dialect does not know. It is passed over.',
      };
  }
}

/** What an ephemeral message says, where it is text. */
function payloadOf(fields: readonly InspectedField[]): string | undefined {
  return fields.find(({ name, kind }) => name === 'payload' && kind === 'value')?.text;
}

export function bytesText(count: number): string {
  if (count === 1) return '1 byte';
  return count < 10_000 ? `${count} bytes` : `${Math.round(count / 1000)} KB`;
}

export function timeText(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
