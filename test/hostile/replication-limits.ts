/** The limits that are a feed's own. Their attackers are in `replication.test.ts`. */
export const replicationLimits = ['requests', 'refusals', 'feedBlocks', 'feedBytes'] as const;

export type ReplicationLimit = (typeof replicationLimits)[number];
