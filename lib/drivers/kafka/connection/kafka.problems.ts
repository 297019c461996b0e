import { tlsProblems } from '../../connections/tls-problems.js';

type Loose = Readonly<Record<string, unknown>>;

const BROKER = /^[^\s:/@[\]]+:(\d{1,5})$/;

/** Whether this is the address of a broker, with its port. */
const isBroker = (broker: string): boolean => {
  const port = Number(BROKER.exec(broker)?.[1]);
  return port >= 1 && port <= 65_535;
};

/** Finds options that contradict each other, as sentences. Never repeats a password or a key. */
export function contradictions(options: Loose): string[] {
  const { brokers, ssl } = options;
  return [
    ...(Array.isArray(brokers)
      ? brokers.flatMap((broker, at) =>
          typeof broker === 'string' && !isBroker(broker)
            ? [`brokers[${at}] must look like host:9092, a name or an IPv4 address and a port`]
            : [],
        )
      : []),
    ...tlsProblems('ssl', ssl),
  ];
}
