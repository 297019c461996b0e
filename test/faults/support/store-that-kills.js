import { redis } from '../../../dist/index.js';

/**
 * The state store of another server, without that driver's own workflows. It kills its process at one of
 * its writes, before or after that is carried out.
 *
 * @param {object} given
 * @param {string} given.url
 * @param {number} [given.diesAt] the number of the write; never where it is left out
 * @param {boolean} [given.written] the write is carried out before the process dies
 * @returns {import('../../../dist/driver.js').DriverFactory}
 */
export function storeThatKills({ url, diesAt = Infinity, written = false }) {
  const factory = redis({ url });
  let writes = 0;
  return {
    ...factory,
    open: (context) => {
      const { workflows: _, ...driver } = factory.open(context);
      const { state } = driver;
      /** @param {'set' | 'compareAndSet'} method */
      const dying =
        (method) =>
        /** @param {readonly unknown[]} args */
        async (...args) => {
          const last = ++writes === diesAt;
          if (last && !written) process.kill(process.pid, 'SIGKILL');
          const answer = await state[method](...args);
          if (last) process.kill(process.pid, 'SIGKILL');
          return answer;
        };
      const killing = { set: dying('set'), compareAndSet: dying('compareAndSet') };
      const get = (store, name) =>
        killing[name] ??
        (typeof store[name] === 'function' ? store[name].bind(store) : store[name]);
      return { ...driver, state: new Proxy(state, { get }) };
    },
  };
}
