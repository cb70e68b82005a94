/**
 * `hypercore-wire/wire`: frames, packets and messages, with no session around them.
 *
 * @module hypercore-wire/wire
 */
export { decodeMessage, decodePacket, encodeMessage, encodePacket, typeCodes } from './codec.ts';
export { Deframer, deframe } from './frame.ts';
export type * from './messages.ts';
export { Decoder, decode, Encoder, encode, frame, type OnEncoded } from './packet.ts';
export { decodeRle, encodeRle } from './rle.ts';
export { readVarint, type Varint, varintLength, writeVarint } from './varint.ts';
