import type { KafkaConfig as ClientConfig } from 'kafkajs';
import { Authority } from './certificates.js';
import type { StartKafkaOptions } from './kafka-server.js';
import { secret } from './secrets.js';

/** A broker that asks for credentials, and what a client shows it. */
export interface KafkaLogin {
  /** For `startKafka`. */
  readonly server: Pick<StartKafkaOptions, 'config' | 'files' | 'format'>;
  /** For the client library. */
  readonly client: Pick<ClientConfig, 'sasl' | 'ssl'>;
}

const USER = 'orders';

/** The password goes to the broker as it is. */
export function plainLogin(): KafkaLogin {
  const password = secret('user');
  const mechanism = 'plain';
  const module = `org.apache.kafka.common.security.plain.PlainLoginModule required user_${USER}="${password}";`;
  return {
    server: { config: { ...saslOver('SASL_PLAINTEXT', mechanism, module) } },
    client: { sasl: { mechanism, username: USER, password } },
  };
}

/** The client proves that it knows the password. The broker has the user since its formatting. */
export function scramLogin(): KafkaLogin {
  const password = secret('user');
  const mechanism = 'scram-sha-512';
  const module = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
  const user = `${mechanism.toUpperCase()}=[name=${USER},password=${password}]`;
  return {
    server: {
      config: { ...saslOver('SASL_PLAINTEXT', mechanism, module) },
      format: ['--add-scram', user],
    },
    client: { sasl: { mechanism, username: USER, password } },
  };
}

/**
 * TLS with a certificate of a private authority.
 *
 * @param options `name` stands in the broker's certificate. `mutual`: the broker asks clients for a
 * certificate of the same authority
 */
export function tlsLogin({ name = '127.0.0.1', mutual = false } = {}): KafkaLogin {
  const authority = new Authority();
  const { cert, key } = authority.issue(name);
  const files = { 'broker.pem': key + cert, 'ca.pem': authority.cert };
  const config = {
    ...clientsBy('SSL'),
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': 'broker.pem',
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': 'ca.pem',
    'ssl.client.auth': mutual ? 'required' : 'none',
  };
  const own = mutual ? authority.issue('client') : {};
  return { server: { config, files }, client: { ssl: { ca: authority.cert, ...own } } };
}

/** A login by name and password over TLS, as most services have it. */
export function overTls(login: KafkaLogin): KafkaLogin {
  const tls = tlsLogin();
  return {
    server: {
      ...login.server,
      files: tls.server.files!,
      config: { ...tls.server.config, ...login.server.config, ...clientsBy('SASL_SSL') },
    },
    client: { ...login.client, ...tls.client },
  };
}

/** How clients connect. Brokers and controllers connect to each other without credentials. */
const clientsBy = (protocol: string) => ({
  'listener.security.protocol.map': `CLIENT:${protocol},INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT`,
});

const saslOver = (protocol: string, mechanism: string, module: string) => ({
  ...clientsBy(protocol),
  'sasl.enabled.mechanisms': mechanism.toUpperCase(),
  [`listener.name.client.${mechanism}.sasl.jaas.config`]: module,
});
