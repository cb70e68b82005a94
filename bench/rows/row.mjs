/**
 * A row is one piece of work, done by us and by peers:
 *
 *     { work: 'Have', unit: 'messages/s', count, worth, ours: start, peers: { name: { set, start } }, floors: { name: 3 } }
 *
 * - `work` is its name, `unit` that of all its values.
 * - `ours` and each `start` make what is sampled, see sampler.mjs; `set` names the packages that it needs, see peers.mjs.
 *   A `set` of the row is what our own side needs.
 * - `count` is how often the work is done in a sample at least, and `worth` what one is in the row's unit.
 * - `floors` and `ceilings`: what our ratio to a peer has to be at least, or, where less is better, at most. `limit`:
 *   the most that our own value may be.
 * - `isFresh` asks for a new process for each sample, `runs` for fewer samples than usual.
 * - `needs` is an entry of ours without which it cannot run.
 * - `chart` and `x`: it is the point at `x` of that chart.
 */

/** The names of a row's contenders, in the order in which they take turns. */
export const contenderNames = (row) => ['ours', ...Object.keys(row.peers ?? {})];

/** `{ start, set }` of a contender. */
export const contenderOf = (row, name) =>
  name === 'ours' ? { start: row.ours, set: row.set } : row.peers[name];
