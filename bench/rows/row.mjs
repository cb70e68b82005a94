/**
 * A row is one piece of work, done by us and by peers:
 *
 *     { work: 'Have', unit: 'messages/s', count, worth, ours: start, peers: { name: { set, start } }, floors: { name: 3 } }
 *
 * `count` is how often the work is done in a sample at least, and `worth` what one is in the row's unit. A floor is
 * what our ratio to that peer has to be at least; a ceiling, where less is better, at most; `limit` is the most that
 * our own value may be. `isFresh` asks for a new process for each sample. `where` names what also runs in a browser.
 */

/** The names of a row's contenders, in the order in which they take turns. */
export const contenderNames = (row) => ['ours', ...Object.keys(row.peers ?? {})];

/** `{ set, start }` of a contender; ours needs no set of packages. */
export const contenderOf = (row, name) => (name === 'ours' ? { start: row.ours } : row.peers[name]);
