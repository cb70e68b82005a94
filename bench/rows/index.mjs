/** Every row, in the order of the table. */
import { rows as inPage } from './in-page.mjs';
import { rows as many, charts as manyCharts } from './many.mjs';
import { rows as native } from './native.mjs';
import { rows as sessions } from './sessions.mjs';
import { rows as slowReader } from './slow-reader.mjs';
import { rows as sparse, charts as sparseCharts } from './sparse.mjs';
import { rows as tcp } from './tcp.mjs';
import { rows as trace } from './trace.mjs';

export const rows = [...inPage, ...tcp, ...native, ...sessions, ...slowReader, ...trace, ...sparse, ...many];

export const charts = { ...sparseCharts, ...manyCharts };
