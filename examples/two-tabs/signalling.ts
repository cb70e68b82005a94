/**
 * How two tabs of one browser get a data channel: an offer and an answer over a BroadcastChannel. Between two
 * machines the same two messages go through a server of yours, and the connections need a STUN server.
 */

import type { AbortSignalLike } from 'hypercore-wire';

/** Calls whoever answers for the name. */
export async function call(name: string, signal: AbortSignalLike): Promise<RTCDataChannel> {
  const [line, connection, id] = [new BroadcastChannel(name), new RTCPeerConnection(), crypto.randomUUID()];
  signal.addEventListener('abort', () => connection.close());
  const channel = connection.createDataChannel('hypercore');
  line.onmessage = ({ data }) => {
    if (data.to === id) void connection.setRemoteDescription(data.answer);
  };
  line.postMessage({ from: id, offer: await describe(connection) });
  await new Promise((resolve) => channel.addEventListener('open', resolve));
  line.close();
  return channel;
}

/** Answers all calls for the name. */
export function answer(name: string, onChannel: (channel: RTCDataChannel) => void): void {
  const line = new BroadcastChannel(name);
  line.onmessage = async ({ data: { from, offer } }) => {
    const connection = new RTCPeerConnection();
    connection.ondatachannel = ({ channel }) => onChannel(channel);
    await connection.setRemoteDescription(offer);
    line.postMessage({ to: from, answer: await describe(connection) });
  };
}

/** What this side says of itself, once it knows all addresses at which it can be reached. */
async function describe(connection: RTCPeerConnection): Promise<RTCSessionDescriptionInit> {
  await connection.setLocalDescription();
  while (connection.iceGatheringState !== 'complete') {
    await new Promise((resolve) => connection.addEventListener('icegatheringstatechange', resolve));
  }
  return connection.localDescription!.toJSON();
}
