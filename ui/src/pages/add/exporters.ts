import { type Guide, lines, same, scrapeSteps, type Step } from './guide';

interface Exporter {
  id: string;
  name: string;
  what: { en: string; zh: string };
  job: string;
  proof?: string;
  target: string;
  start: Step[];
  /** Further lines of the job. */
  extra?: string;
}

const shell = (code: string, text = { en: 'Start the exporter beside it.', zh: '在其旁启动 exporter。' }): Step => ({ text, file: 'shell', code });
const sql = (code: string): Step => ({ text: { en: 'Make a user that may look and nothing else.', zh: '创建仅可查看的用户。' }, file: 'SQL', code });

const exporters: Exporter[] = [
  {
    id: 'node-exporter', name: 'node_exporter', what: { en: 'Other hosts: processors, memory, disks, network. This host is watched already', zh: '其他主机的处理器、内存、磁盘与网络；本机已内置采集' },
    job: 'hosts', target: 'host-1.example.com:9100',
    start: [shell('node_exporter --web.listen-address=:9100', { en: 'Start it on each host.', zh: '在每台主机上启动。' })],
  },
  {
    id: 'cadvisor', name: 'cAdvisor', what: { en: 'Containers of other hosts. Those of this host are watched already', zh: '其他主机上的容器；本机容器已内置采集' },
    job: 'containers', target: 'host-1.example.com:8080',
    start: [shell('docker run -d --name cadvisor -p 8080:8080 --privileged \\\n  -v /:/rootfs:ro -v /var/run:/var/run:ro -v /sys:/sys:ro -v /var/lib/docker:/var/lib/docker:ro \\\n  ghcr.io/google/cadvisor:latest', { en: 'Start it on each host.', zh: '在每台主机上启动。' })],
  },
  {
    id: 'kube-state-metrics', name: 'kube-state-metrics', what: { en: 'Deployments, pods and nodes of a Kubernetes cluster', zh: 'Kubernetes 集群中的工作负载、Pod 与节点' },
    job: 'kube-state-metrics', target: 'kube-state-metrics.kube-system.svc:8080', extra: '  honor_labels: true',
    start: [shell('kubectl apply -k https://github.com/kubernetes/kube-state-metrics', { en: 'Install it in the cluster.', zh: '在集群中安装。' })],
  },
  {
    id: 'postgres', name: 'PostgreSQL', what: { en: 'Connections, transactions, locks, replication', zh: '连接、事务、锁与复制' },
    job: 'postgres', proof: 'pg_up', target: 'db-1.example.com:9187',
    start: [
      sql("CREATE USER touchline PASSWORD 'CHANGE-ME';\nGRANT pg_monitor TO touchline;"),
      shell("DATA_SOURCE_URI='127.0.0.1:5432/postgres?sslmode=disable' DATA_SOURCE_USER=touchline DATA_SOURCE_PASS_FILE=postgres.password \\\n  postgres_exporter --web.listen-address=:9187"),
    ],
  },
  {
    id: 'redis', name: 'Redis', what: { en: 'Memory, keys, commands, replication', zh: '内存、键、命令与复制' },
    job: 'redis', proof: 'redis_up', target: 'cache-1.example.com:9121',
    start: [shell('redis_exporter -redis.addr=redis://127.0.0.1:6379 -web.listen-address=:9121')],
  },
  {
    id: 'mysql', name: 'MySQL', what: { en: 'Connections, queries, InnoDB, replication', zh: '连接、查询、InnoDB 与复制' },
    job: 'mysql', proof: 'mysql_up', target: 'db-1.example.com:9104',
    start: [
      sql("CREATE USER 'touchline'@'localhost' IDENTIFIED BY 'CHANGE-ME' WITH MAX_USER_CONNECTIONS 3;\nGRANT PROCESS, REPLICATION CLIENT, SELECT ON *.* TO 'touchline'@'localhost';"),
      { text: { en: 'Write down how it is reached.', zh: '写明连接方式。' }, file: 'exporter.my.cnf', code: '[client]\nhost = 127.0.0.1\nuser = touchline\npassword = CHANGE-ME' },
      shell('mysqld_exporter --config.my-cnf=exporter.my.cnf --web.listen-address=:9104'),
    ],
  },
  {
    id: 'nginx', name: 'nginx', what: { en: 'Connections and requests', zh: '连接与请求' },
    job: 'nginx', proof: 'nginx_up', target: 'web-1.example.com:9113',
    start: [
      { text: { en: 'Have nginx tell its state to its own host.', zh: '让 nginx 向本机提供状态。' }, file: 'nginx.conf', code: 'server {\n  listen 127.0.0.1:8081;\n  location = /stub_status { stub_status; }\n}' },
      shell('nginx-prometheus-exporter --nginx.scrape-uri=http://127.0.0.1:8081/stub_status --web.listen-address=:9113'),
    ],
  },
];

const blackbox: Guide = {
  id: 'blackbox', name: { en: 'Web addresses (blackbox exporter)', zh: '网址拨测（blackbox exporter）' }, group: 'exporter',
  summary: { en: 'Whether an address answers, how fast, and until when its certificate is valid', zh: '地址是否可达、响应时间及证书有效期' },
  steps: (p) => [
    shell('blackbox_exporter --config.file=blackbox.yml --web.listen-address=127.0.0.1:9115', { en: 'Start the exporter on this host. Its release has a blackbox.yml with the module http_2xx.', zh: '在本机启动 exporter。其发行包中的 blackbox.yml 含 http_2xx 模块。' }),
    ...scrapeSteps(p, lines(
      '- job_name: blackbox', '  scrape_interval: 15s', '  metrics_path: /probe', '  params: {module: [http_2xx]}', '  static_configs:', `    - targets: ['https://shop.example.com/']`,
      '  relabel_configs:', '    - source_labels: [__address__]', '      target_label: __param_target', '    - source_labels: [__param_target]', '      target_label: instance', '    - target_label: __address__', '      replacement: 127.0.0.1:9115',
    )),
  ],
  signal: { kind: 'scrape', job: 'blackbox', proof: 'probe_success' },
};

export const exporterGuides: Guide[] = [
  ...exporters.map((e): Guide => ({
    id: e.id, name: same(e.name), group: 'exporter', summary: e.what,
    steps: (p) => [...e.start, ...scrapeSteps(p, lines(`- job_name: ${e.job}`, '  scrape_interval: 5s', e.extra, '  static_configs:', `    - targets: ['${e.target}']`))],
    signal: { kind: 'scrape', job: e.job, proof: e.proof },
  })),
  blackbox,
];
