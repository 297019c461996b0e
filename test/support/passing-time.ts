import { setTimeout as pause } from 'node:timers/promises';

/** What a handler, or what it calls, takes, ms: part of what is tested. */
export const work = (ms: number): Promise<void> => pause(ms);

/** Between two steps of a load, ms. */
export const pace = (ms: number): Promise<void> => pause(ms);

/**
 * Gives what must not happen the time to happen, ms. Where that is too short a test finds less; it
 * never fails for it. What is to happen is awaited with `until`.
 */
export const quiet = (ms: number): Promise<void> => pause(ms);

/** Until so much time has passed, ms: something expires, a fault lasts, or time is measured. */
export const elapse = (ms: number): Promise<void> => pause(ms);
