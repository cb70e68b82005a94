/** What `--help` says. */

/** The commands of this version. */
export type CommandName = 'share' | 'sync';

const share = `hypercore-wire share <file | folder of a feed> [options]

  Puts a file into a new feed, in blocks of 64 KiB, and serves it to whoever knows its key;
  or serves the feed that a folder holds. Runs until Ctrl-C.

  --dir <folder>    keep the new feed of a file here (default: a temporary folder, removed at the end)
  --tcp <port>      listen on this port (default 0: a free one)
  --host <address>  listen on this address (default 127.0.0.1: this machine only)
  --json            one JSON object a line on stdout; the first is {"event":"ready",…}

  hypercore-wire share ./talk.mp4
  hypercore-wire share ./talk.mp4 --dir ./talk-feed --tcp 3282 --host 0.0.0.0
  hypercore-wire share ./talk-feed
`;

const sync = `hypercore-wire sync <key> <url>... [options]

  Downloads a feed from one or several peers, verifies every block against the key, and stores it.
  Goes on where an earlier run ended.

  <key>             64 hex characters, or a dat:// link
  <url>             tcp://host:port
  --dir <folder>    keep the feed here, in hypercore 7's own layout
  --out <file>      write the blocks' bytes here once all are verified; - is stdout
                    (one of --dir and --out, or both)
  --blocks <a>..<b> only the blocks from a up to, and without, b
  --live            go on with what the feed's owner appends, until Ctrl-C
  --retry <n>       connect again to a url that fails, up to n times (default 3, 0 for none)
  --json            one JSON object a line on stdout, on stderr with --out -; the last is
                    {"event":"done" | "failed",…}

  hypercore-wire sync <key> tcp://127.0.0.1:3282 --out talk.mp4
  hypercore-wire sync <key> tcp://10.0.0.5:3282 tcp://10.0.0.9:3282 --dir ./talk-feed
  hypercore-wire sync <key> tcp://127.0.0.1:3282 --blocks 0..10 --out - | head

  Exit codes: 0 all is verified and stored; 1 this machine failed (disk, permission, folder);
  2 usage; 3 a proof failed and no other peer had it right; 4 no peer could be reached, holds
  the key or has the blocks; 130 interrupted.
`;

const overview = `hypercore-wire: Hypercore feeds, verified, from peer to peer

  hypercore-wire share <file | folder of a feed>     serve a file, or a feed
  hypercore-wire sync <key> <url>... --out <file>    download and verify one

  hypercore-wire <command> --help                    options and examples
  hypercore-wire --version

  hypercore-wire share ./talk.mp4
  hypercore-wire sync <key> tcp://127.0.0.1:3282 --out talk.mp4
`;

/** The usage of a command, or the overview. */
export function usage(command?: CommandName): string {
  if (command === undefined) return overview;
  return { share, sync }[command];
}
