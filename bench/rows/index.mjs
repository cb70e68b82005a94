/** Every row, in the order of the table. */
import { rows as cipher } from './cipher.mjs';
import { rows as messages } from './messages.mjs';
import { rows as replication } from './replication.mjs';
import { rows as tcp } from './tcp.mjs';

export const rows = [...messages, ...tcp, ...replication, ...cipher];
