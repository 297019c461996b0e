// @ts-check
import { setTimeout as pause } from 'node:timers/promises';
import { payloadMaker } from '../payload.js';
import { monotonicNow } from './recorder.js';

/**
 * Publishes as fast as it goes, with so many messages under way at a time.
 *
 * @param {import('../types.js').Publisher} publisher
 * @param {{ total: number, size: number, inFlight: number, batch?: number }} options
 */
export async function publishAll(publisher, { total, size, inFlight, batch = 1 }) {
  const make = payloadMaker(size);
  let next = 0;
  const one = () => publisher.publish(make(next++));
  const many = () => {
    const length = Math.min(batch, total - next);
    return publisher.publishBatch?.(Array.from({ length }, () => make(next++)));
  };
  const send = batch > 1 ? many : one;
  const lane = async () => {
    while (next < total) await send();
  };
  const cpuBefore = process.cpuUsage();
  const began = monotonicNow();
  await Promise.all(Array.from({ length: inFlight / batch }, lane));
  const took = monotonicNow() - began;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { took, cpu: user + system };
}

/**
 * Publishes so many messages per second, each saying when it left.
 *
 * @param {import('../types.js').Publisher} publisher
 * @param {{ total: number, size: number, rate: number }} options
 */
export async function publishPaced(publisher, { total, size, rate }) {
  const make = payloadMaker(size);
  const began = monotonicNow();
  /** @type {Promise<unknown>[]} */
  const sent = [];
  while (sent.length < total) {
    const due = Math.min(total, ((monotonicNow() - began) / 1000) * rate);
    while (sent.length < due) sent.push(publisher.publish(make(sent.length, monotonicNow())));
    await pause(1);
  }
  await Promise.all(sent);
}
