/** What `--help` says. */
import type { CommandName } from './arguments.ts';

const shareUsage = `hypercore-wire share <file | folder of a feed> [options]

  Puts a file into a new feed, in blocks of 64 KiB, and serves it to anyone who knows the key.
  Or serves the feed that is in a folder. Runs until Ctrl-C.

  --dir <folder>    keep the new feed of a file here (default: a temporary folder, removed at the end)
  --tcp <port>      listen for TCP on this port (default 0: a free one)
  --ws <port>       listen for WebSockets too, as browsers need, on this port (0: a free one)
  --origin <origin> let the pages of https://… connect too, or those of * for everybody; may be repeated
                    (default: pages of this machine, and whatever is no page)
  --host <address>  listen on this address (default 127.0.0.1: this machine only)
  --json            one JSON object per line on stdout; the first is {"event":"ready",…}

  A folder that holds only some blocks, or only the file "key", passes on what it gets: its peers
  give it what it lacks, over TCP and WebSocket alike, and get what the others gave.

  hypercore-wire share ./talk.mp4
  hypercore-wire share ./talk.mp4 --dir ./talk-feed --tcp 3282 --host 0.0.0.0
  hypercore-wire share ./talk-feed --ws 8080 --origin https://app.example
`;

const syncUsage = `hypercore-wire sync <key> <url>... [options]

  Downloads a feed from one or several peers, verifies every block against the key, and stores it.
  With --dir it continues where an earlier run stopped.

  <key>             64 hex characters, or a dat:// link
  <url>             tcp://host:port, ws://host:port or wss://host
  --dir <folder>    keep the feed here, in hypercore 7's own layout
  --out <file>      write the feed's bytes here once all are verified; - is stdout
                    (one of --dir and --out, or both)
  --blocks <a>..<b> only blocks a to b, without b itself: 0..10 is the first ten
  --live            keep downloading what the feed's owner appends, until Ctrl-C
  --retry <n>       connect again to a url that fails, up to n times (default 3, 0 for none)
  --json            one JSON object per line on stdout (on stderr with --out -); the last is
                    {"event":"done" | "failed",…}

  hypercore-wire sync <key> tcp://127.0.0.1:3282 --out talk.mp4
  hypercore-wire sync <key> tcp://10.0.0.5:3282 wss://peer.example --dir ./talk-feed
  hypercore-wire sync <key> tcp://127.0.0.1:3282 --blocks 0..10 --out - | head

  Exit codes: 0 everything is verified and stored; 1 this machine failed (disk, permission,
  folder); 2 usage; 3 a proof failed and no other peer had the right block; 4 no peer could be
  reached, or none has the feed or the blocks; 130 interrupted.
`;

const inspectUsage = `hypercore-wire inspect <capture> --key <key>... [options]
hypercore-wire inspect --listen <url> --to <url> --key <key>... [options]

  Shows what two peers say to each other, message by message. Whoever holds the key of the feed can
  read along: the protocol does not hide it from them. The first takes what was captured before; the
  second sits between two peers, passes every byte on as it is, and shows it meanwhile.

  <capture>         a file of --save, a pcap or pcapng (tcpdump, Wireshark) with TCP in it, or the raw
                    bytes that one side sent; - is stdin
  --key <key>       64 hex characters, or a dat:// link; may be repeated. Without, only the first
                    message of each side can be read
  --listen <url>    tcp://host:port or ws://host:port to connect to instead; port 0 takes a free one
  --to <url>        the peer: tcp://host:port, ws://host:port or wss://host
  --origin <origin> with --listen ws://…: let the pages of https://… connect too (as in share)
  --save <file>     with --listen: write a capture of it all, to read again later
  --bytes           show the bytes of every field too, plain and as they were on the wire
  --type <types>    only these: feed, handshake, info, have, unhave, want, unwant, request, cancel,
                    data, extension, keepalive, unassigned, unreadable; separated by commas
  --channel <n>     only this channel (the two directions number their channels apart)
  --direction <d>   only out, from the side that connected, or in, the answers
  --stream <n>      only this connection, counted from 1
  --json            one JSON object per line on stdout; with --listen the first is
                    {"event":"listening","url"}

  hypercore-wire inspect talk.pcap --key <key> --type request,data
  hypercore-wire inspect --listen tcp://127.0.0.1:4000 --to tcp://127.0.0.1:3282 --key <key>
  tcpdump -i lo -U -w - port 3282 | hypercore-wire inspect - --key <key> --bytes

  A line has the time in seconds, the direction, the byte of that direction, the channel, the message.
  A WebSocket in a pcap is read unless it is wss:// or compressed: then sit between, --listen ws://…

  Exit codes: 0 all was read, whatever it says; 1 this machine failed (file, port); 2 usage;
  130 interrupted, which is how --listen ends.
`;

const overview = `hypercore-wire: Hypercore feeds, verified, from peer to peer

  hypercore-wire share <file | folder of a feed>     serve a file, or a feed
  hypercore-wire sync <key> <url>... --out <file>    download and verify one
  hypercore-wire inspect <capture> --key <key>       show what two peers say to each other

  hypercore-wire <command> --help                    options and examples
  hypercore-wire --version

  hypercore-wire share ./talk.mp4
  hypercore-wire sync <key> tcp://127.0.0.1:3282 --out talk.mp4
`;

/** The usage of a command, or the overview. */
export function usage(command?: CommandName): string {
  if (command === undefined) return overview;
  return { share: shareUsage, sync: syncUsage, inspect: inspectUsage }[command];
}
