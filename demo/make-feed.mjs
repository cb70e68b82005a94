/**
 * Makes demo/feed, the small feed that `npm start` shares: a text about feeds, in which every block tells
 * where in the tree it stands. It was run once; the secret key is not kept, so that nobody can append.
 *
 *     npm run build && node demo/make-feed.mjs
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Feed, toHex } from '../dist/index.js';
import { nodeStorage } from '../dist/storage/node.js';
import { chapters } from './chapters.mjs';

const LENGTH = 200;
/** Every eighth block is a chapter, the others are cards. */
const STEP = LENGTH / chapters.length;

// Nodes are numbered in order: blocks are the even ones, and a parent stands between its two children.
const depth = (node) => 31 - Math.clz32((node + 1) & -(node + 1));
const sibling = (node) => node ^ (2 << depth(node));
const parent = (node) => Math.floor((node + sibling(node)) / 2);
const span = (node) => {
  const reach = 2 ** depth(node) - 1;
  return [(node - reach) / 2, (node + reach) / 2];
};

/** The nodes that no other one is above of, left to right. */
function roots(length) {
  const found = [];
  for (let left = 0, rest = length; rest > 0; ) {
    const width = 2 ** Math.floor(Math.log2(rest));
    found.push(left * 2 + width - 1);
    left += width;
    rest -= width;
  }
  return found;
}

/** The nodes that prove a block, from the bottom up to the root above it. */
function proof(block, tops) {
  const needed = [];
  let node = block * 2;
  for (; !tops.includes(node); node = parent(node)) needed.push(sibling(node));
  return { needed, top: node };
}

const blocksOf = (node) => {
  const [first, last] = span(node);
  return first === last ? `block ${first}` : `blocks ${first} to ${last}`;
};

/** The tree over the eight blocks around `block`, on its side: the deeper a node, the further left. */
function drawing(block) {
  const first = block - (block % 8);
  const lines = [];
  for (let node = first * 2; node <= (first + 7) * 2; node++) {
    const mark = node === block * 2 ? '   <- you are here' : '';
    lines.push(`${' '.repeat(4 + 8 * depth(node))}${String(node).padStart(3)}  ${blocksOf(node)}${mark}`);
  }
  return lines.join('\n');
}

function card(block) {
  const tops = roots(LENGTH);
  const { needed, top } = proof(block, tops);
  const lines = [
    `Block ${block}`,
    '',
    `This is node ${block * 2} of the tree, and node ${parent(block * 2)} is its parent.`,
    needed.length === 0
      ? 'It is a root itself, so nothing but the other roots is needed to prove it.'
      : `To prove it you hash it together with ${needed.length === 1 ? 'node' : 'nodes'} ${needed.join(', ')}, and get the root ${top}.`,
  ];
  if (block % 8 === 3) {
    lines.push('', 'What each of them stands for:', '');
    for (const node of needed) lines.push(`    node ${String(node).padStart(3)}: ${blocksOf(node)}`);
    lines.push(
      '',
      `With the roots ${tops.filter((root) => root !== top).join(' and ')} it makes what the owner signed.`,
    );
  }
  if (block % 8 === 5) lines.push('', 'The tree around it, with its leaves at the left:', '', drawing(block));
  return `${lines.join('\n')}\n\n`;
}

const blocks = Array.from({ length: LENGTH }, (_, i) => {
  const text = i % STEP === 0 ? `${i / STEP + 1}. ${chapters[i / STEP].trim()}\n\n` : card(i);
  return new TextEncoder().encode(text);
});

const folder = fileURLToPath(new URL('./feed', import.meta.url));
await rm(folder, { recursive: true, force: true });
const feed = await Feed.create(nodeStorage(folder));
await feed.append(blocks);
console.log(`${toHex(feed.key)}: ${feed.length} blocks, ${feed.byteLength} bytes`);
await feed.close();
await rm(join(folder, 'secret_key'), { force: true });
