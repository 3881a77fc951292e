import type { Message } from '../../i18n';

/** Where this server is for whoever sends to it. */
export interface Place {
  /** Without a slash at its end, such as https://monitoring.example.com. */
  base: string;
  /** Host and port, such as monitoring.example.com:443. */
  host: string;
  tls: boolean;
  /** The path below which everything is, "" for none. */
  prefix: string;
  /** Whether senders show a token. */
  token: boolean;
  /** Host and port of OTLP over gRPC, where it is listened to. */
  grpc?: string;
  /** The file that says what is scraped, where there is one. */
  config?: string;
}

export interface Step {
  text: Message;
  code?: string;
  /** The file that the lines stand in, or where they are typed. */
  file?: string;
}

/** How a guide's light knows that something has come. */
export type Signal =
  | { kind: 'requests'; handlers: string[]; /** post where it is left out. */ method?: 'get'; /** Series that say by their job who sends. */ jobs?: string }
  | { kind: 'scrape'; /** The job of the guide's lines; any that is not built in where it is left out. */ job?: string; /** A series that is 1 while the exporter reaches what it watches. */ proof?: string };

export interface Guide {
  id: string;
  name: Message;
  group: 'send' | 'scrape' | 'exporter' | 'use';
  summary: Message;
  steps: (p: Place) => Step[];
  /** Not there where the console's own requests could not be told apart. */
  signal?: Signal;
}

/** same is a text that both languages share, such as a product's name. */
export const same = (text: string): Message => ({ en: text, zh: text });

/** place works out where this server is, from the address at which its reader has reached it. */
export function place(origin: string, prefix: string, o: { token: boolean; listeners: { name: string; address: string }[]; config?: string }): Place {
  const url = new URL(origin);
  const tls = url.protocol === 'https:';
  const port = url.port || (tls ? '443' : '80');
  const grpc = o.listeners.find((l) => l.name === 'otlp-grpc')?.address;
  return {
    base: url.origin + prefix,
    host: `${url.hostname}:${port}`,
    tls, prefix,
    token: o.token,
    grpc: grpc ? reached(grpc, url.hostname) : undefined,
    config: o.config || undefined,
  };
}

/** reached is a listen address as it is reached from elsewhere: one that stands for all addresses is that of the page. */
function reached(address: string, hostname: string): string {
  const at = address.lastIndexOf(':');
  const host = address.slice(0, at);
  return host === '' || host === '0.0.0.0' || host === '[::]' ? `${hostname}${address.slice(at)}` : address;
}

/** isLoopback tells whether an address can be reached from this machine only. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '[::1]' || hostname === '::1' || /^127(\.\d+){3}$/.test(hostname);
}

/** lines joins what is there; what is false is left out. */
export const lines = (...all: (string | false | undefined)[]): string => all.filter((l): l is string => typeof l === 'string').join('\n');

/** tokenFile is where the lines of each guide look for the token. */
export const tokenFile = 'touchline.token';

/** bearer is the argument by which curl shows the token. */
export const bearer = (p: Place): string => (p.token ? ` -H "Authorization: Bearer $(cat ${tokenFile})"` : '');

/** scrapeSteps says how a job gets into the configuration, and into force. */
export function scrapeSteps(p: Place, job: string): Step[] {
  const file = p.config ?? 'prometheus.yml';
  const whole = p.config === undefined;
  return [
    {
      text: whole
        ? { en: 'Write prometheus.yml. This server has none yet: what it watches by itself stays.', zh: '编写 prometheus.yml。本服务器尚未配置该文件；内置采集不受影响。' }
        : { en: 'Add the job under scrape_configs.', zh: '在 scrape_configs 下添加作业。' },
      file,
      code: whole ? `scrape_configs:\n${indent(job)}` : indent(job),
    },
    whole
      ? { text: { en: 'Check it, and start the server anew with it, beside the flags that it has.', zh: '检查文件，并在原有参数之外加上它，重新启动服务器。' }, file: 'shell', code: `touchline check ${file}\ntouchline run --prometheus.config=${file} # and the flags of before` }
      : { text: { en: 'Check it, and have it read again.', zh: '检查文件，并重新加载。' }, file: 'shell', code: `touchline check ${file} && systemctl reload touchline\n# not a service: kill -HUP "$(pidof touchline)"` },
  ];
}

const indent = (text: string): string => text.split('\n').map((l) => (l === '' ? l : `  ${l}`)).join('\n');
