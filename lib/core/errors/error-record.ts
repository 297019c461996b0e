import type { ErrorRecord } from '../settlement.js';

/** A thrown value, whatever it is, as it is stored and reported. */
export function errorRecord(thrown: unknown): ErrorRecord {
  if (thrown instanceof Error) {
    return {
      name: thrown.name,
      message: thrown.message,
      ...(thrown.stack && { stack: thrown.stack }),
    };
  }
  if (typeof thrown === 'object' && thrown !== null) {
    const { name, message } = thrown as { name?: unknown; message?: unknown };
    if (typeof message === 'string') {
      return { name: typeof name === 'string' ? name : 'Error', message };
    }
    return { name: 'Error', message: safeJson(thrown) };
  }
  return { name: 'Error', message: String(thrown) };
}

function safeJson(value: object): string {
  try {
    return JSON.stringify(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}
