/** The text of the demo's feed: 25 chapters, a block each. */
export const chapters = [
  `A list that nobody can rewrite

You are reading block 0 of a feed. A feed is a list of blocks of bytes. Its owner can add to the end of the
list, and nobody, not even the owner, can change what is in it without everybody noticing.

This one has 200 blocks. Every eighth is a chapter like this; the others tell where they stand, and what it
takes to prove that they are what they say.`,
  `A key is an address

A feed is named by a public key of 32 bytes. Anyone who has the key can read the feed from anybody at all: from its
owner, from a friend, from a stranger on a train. It does not matter who hands you a block, since the block
proves itself.

That is why the program that printed this asked you for a key and for a url, and why only the key has to be
right.`,
  `The other half of the key

The owner has the secret half. With it every new length of the feed is signed. There was such a half for this
feed too. It was thrown away when the last block was written, so this list will stay 200 blocks long.`,
  `Leaves

Each block is hashed, together with its length, into 32 bytes by BLAKE2b. These hashes are the leaves of a tree.
A zero byte goes in front of what is hashed for a leaf, a one for a parent and a two for the roots, so that no
block can pass itself off as a part of the tree.`,
  `Parents

Two neighbours are hashed into a parent, two parents into theirs, and so on. Each node also says how many bytes
are below it, which is how a reader finds the block with byte one million without reading the million before.`,
  `Numbers between numbers

The tree is kept in a flat list. Blocks have the even numbers: 0, 2, 4, 6. A parent has the number between its
children: 1 is above 0 and 2, 5 is above 4 and 6, and 3 is above 1 and 5. Nothing has to be renumbered when
the feed grows, and the parent of any node is a matter of a few bits.`,
  `Roots

A tree of 200 blocks is not a whole one. It falls into three that are: one over the first 128 blocks, one over
the next 64, and one over the last 8. Their tops are the roots. 128 and 64 and 8 is 200, as it says in the
binary digits of 200.`,
  `One signature

The roots are hashed once more, and the owner signs the result. If you can build the roots from the nodes you have,
and the signature fits, then every one of those nodes is true.`,
  `A proof is a ladder

To prove one block you need the block, its neighbour's hash, the hash of the pair beside that pair, and so on up
to a root. Each rung covers twice as many blocks as the one below: for this feed seven rungs at most, and for
a feed of a million blocks nineteen.`,
  `Remembering helps

A reader that has proved a block keeps the nodes of its ladder. The next block then needs fewer rungs, often none:
it only has to reach a node that is already known. The reader says in each request, in a few bits, where on the ladder it
already stands.`,
  `Holes

A feed need not be whole to be of use. You can hold block 7 and block 150 and nothing else, and both are as certain
as if you held everything. Try it: ask for --blocks 96..97, and only the one you name will travel.`,
  `Asking

The protocol has few words. Want: tell me what you have around here. Have: these are here. Request: send me that
one. Data: here it is, and here is its ladder. Unhave: it was here and is no longer. Cancel: never mind.`,
  `A first word in the open

A connection begins with one message that is not encrypted. It names the feed, but not by its key: by a hash of the
key, the discovery key. Those who know the key recognise the feed. Those who only listen learn a number that opens
nothing.`,
  `The rest in cipher

Everything after that is enciphered with XSalsa20, under the feed's own key and a number that is used once in each
direction. So both sides know that the other has the key, without ever having said it.`,
  `What the cipher does not do

It hides, but it does not seal. Somebody on the line who flips a bit of the cipher flips the same bit of the message.
That does no harm to the blocks, because a block that was changed does not reach its root. It may do harm to the
messages around them, so a program has to treat those with care.`,
  `Lying is useless

A peer that sends a wrong block is found out at once: the ladder does not lead to the root. The
connection ends, the message names the block and the peer, and somebody else is asked.`,
  `Silence is harder

A peer that says nothing cannot be proved wrong. So there are clocks. If a peer has not answered for two seconds, its
requests go to others as well. If it has sent nothing at all for seven and a half, it is taken to be gone.`,
  `Many at once

Since it does not matter who delivers, a reader asks everybody at the same time and gives each a share of the work.
Two slow peers are as good as one that is twice as fast.`,
  `Bits

Which blocks are here is kept as a row of bits. To tell a peer about a million of them would take 125 kilobytes, if
most of them were not alike: long runs of ones and zeros are written as their length, and a whole feed
fits in a few bytes.`,
  `Six files

In its folder a feed is six files. The blocks lie end to end in one, the nodes of the tree in the second, the
signatures in the third, the bits in the fourth. The fifth is the key. The sixth is there only where the
feed is one's own, and nobody else may read it.`,
  `Pulling the plug

Data goes to the disk first and its bit after. If the power goes in between, there are bytes that nobody counts. The
other way round there would be a bit that promises bytes which never came. The order is all there is to it,
and it is enough.`,
  `Growing

A feed that is live is never done. The owner adds a block, its peers hear that it is there, those who want it ask
for it, and they tell their own peers. It is a newspaper that is delivered by its readers.`,
  `No centre

There is no central server in any of this. There is somebody who has something, and somebody who wants it. How the two find
each other is another matter, and another program: here, a url that one person gives to the other.`,
  `Old roads

Feeds like this one carried the Dat project, and the protocol below this text is the one that its programs still
speak. A reader written today can read what was published then, from any of those programs, to the last
byte.`,
  `The end, so far

After this come seven more cards, and then the list stops at block 199. If you have all 200, every byte of
them has been hashed, every hash has been led up to one of three roots, and the roots are the ones that one key signed.
You did not have to trust anybody for that.`,
];
