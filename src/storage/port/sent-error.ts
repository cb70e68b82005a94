/** Errors on their way over a port, which by itself would keep neither their class nor their code. */
import { StorageError, type StorageErrorCode } from '../../errors.ts';

interface Plain {
  readonly name: string;
  readonly message: string;
}

/** An error as it travels. */
export interface SentError extends Plain {
  /** Of a `StorageError`. */
  readonly code?: StorageErrorCode;
  readonly cause?: Plain;
}

export function sentError(error: unknown): SentError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { name, message, cause } = error;
  return {
    name,
    ...(error instanceof StorageError ? { message: error.reason, code: error.code } : { message }),
    ...(cause instanceof Error ? { cause: { name: cause.name, message: cause.message } } : {}),
  };
}

export function isSentError(value: unknown): value is SentError {
  const { name, message } = (value ?? {}) as Partial<SentError>;
  return typeof name === 'string' && typeof message === 'string';
}

/** The error that was sent. Of its cause, name and message are left. */
export function receivedError({ name, message, code, cause }: SentError): Error {
  const options = cause === undefined ? {} : { cause: named(cause) };
  if (code !== undefined) return new StorageError(code, message, options);
  if (name === 'TypeError') return new TypeError(message, options);
  if (name === 'RangeError') return new RangeError(message, options);
  return Object.defineProperty(new Error(message, options), 'name', { value: name });
}

function named({ name, message }: Plain): Error {
  return Object.defineProperty(new Error(message), 'name', { value: name });
}
