/** The known answers, and hex both ways. */
import { readFileSync } from 'node:fs';

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
export const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

// biome-ignore lint/suspicious/noExplicitAny: known answers of many shapes, read by the tests that know them
export const v6: any = JSON.parse(readFileSync(new URL('./v6.json', import.meta.url), 'utf8'));
