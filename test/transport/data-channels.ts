/** Data channels between two peer connections of one program: a page's own, or those of `@roamhq/wrtc` on Node. */
import type { DataChannelLike } from '../../src/transport/webrtc.ts';

/** What is used of an `RTCPeerConnection`, which no type says on Node. */
export interface PeerConnection {
  onicecandidate: ((event: never) => void) | null;
  ondatachannel: ((event: never) => void) | null;
  createDataChannel(label: string, options?: object): DataChannelLike;
  createOffer(): Promise<object>;
  createAnswer(): Promise<object>;
  setLocalDescription(description: never): Promise<void>;
  setRemoteDescription(description: never): Promise<void>;
  addIceCandidate(candidate: never): Promise<void>;
  close(): void;
}

/** The two ends of a channel, and the peers that it joins. */
export interface DataChannels {
  readonly offering: PeerConnection;
  readonly answering: PeerConnection;
  readonly here: DataChannelLike;
  readonly there: DataChannelLike;
}

/**
 * Connects two new peers by one channel. Not one channel after another by the same peers: `@roamhq/wrtc`
 * delivers messages that were under way when a channel was closed on the next one of the same number.
 */
export async function openDataChannels(makePeer: () => PeerConnection): Promise<DataChannels> {
  const [offering, answering] = [makePeer(), makePeer()];
  let describedBoth!: () => void;
  const described = new Promise<void>((resolve) => {
    describedBoth = resolve;
  });
  // A peer refuses candidates before it knows whose they are.
  const trickle =
    (to: PeerConnection) =>
    async ({ candidate }: { candidate: unknown }): Promise<void> => {
      await described;
      // One that was closed meanwhile refuses.
      if (candidate) await to.addIceCandidate(candidate as never).catch(() => {});
    };
  offering.onicecandidate = trickle(answering);
  answering.onicecandidate = trickle(offering);
  const here = offering.createDataChannel('feed');
  const accepted = new Promise<DataChannelLike>((resolve) => {
    answering.ondatachannel = ({ channel }: { channel: DataChannelLike }) => resolve(channel);
  });
  // As they were made, and not as `localDescription` has them: to read that crashes `@roamhq/wrtc` now and then.
  const offer = await offering.createOffer();
  await offering.setLocalDescription(offer as never);
  await answering.setRemoteDescription(offer as never);
  const answer = await answering.createAnswer();
  await answering.setLocalDescription(answer as never);
  await offering.setRemoteDescription(answer as never);
  describedBoth();
  return { offering, answering, here, there: await accepted };
}
