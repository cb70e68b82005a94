/** The rows that run in a page too. */
import { rows as cipher } from './cipher.mjs';
import { rows as messages } from './messages.mjs';
import { rows as replication } from './replication.mjs';

export const rows = [...messages, ...replication, ...cipher];
