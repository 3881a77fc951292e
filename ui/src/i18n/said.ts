import { type Sentence, translatorOf } from './patterns';
import { refusals } from './refused';

// What the server says in English sentences, in Chinese. Loaded for readers of
// Chinese only. A text that is not here is shown as the server says it; the test
// beside this fails when the server no longer says one of these, or says another.
export const sentences: readonly Sentence[] = [
  // What is watched.
  ['this host: processors, memory, disks, file systems, network', '本机：CPU、内存、磁盘、文件系统与网络'],
  ['containers and control groups of this host', '本机的容器与控制组'],
  ['this process', '本进程'],
  ['targets of prometheus.yml', 'prometheus.yml 中的目标'],
  ['scraped by the metrics backend', '由指标后端抓取'],

  // What is looked for and not seen: what, why, and what can be done.
  ['the host (node_exporter\'s collectors)', '主机（node_exporter 采集器）'],
  ['containers (cAdvisor)', '容器（cAdvisor）'],
  ['node_exporter\'s collector {name}', 'node_exporter 的采集器 {name}'],
  ['the collector {name} of {source}', '{source} 的采集器 {name}'],
  ['models and serial numbers of disks (node_disk_info)', '磁盘型号与序列号（node_disk_info）'],
  ['processes, open files and sockets of control groups', '控制组的进程、打开的文件与套接字'],
  ['names and images of containers', '容器的名称与镜像'],
  ['names of containers of {runtime}', '{runtime} 容器的名称'],
  ['{path} is not a proc file system: {error}', '{path} 不是 proc 文件系统：{error}'],
  ['this process already reads {proc}, {sys} and {rootfs}, and node_exporter\'s collectors take one set of paths per process', '本进程已在读取 {proc}、{sys} 和 {rootfs}，而 node_exporter 的采集器在一个进程中只能使用一组路径'],
  ['not one collector could be made', '无法创建任何采集器'],
  ['cAdvisor reads /sys only, and the path given is {path}', 'cAdvisor 只读取 /sys，而指定的路径是 {path}'],
  ['control groups cannot be read: {error}', '无法读取控制组：{error}'],
  ['{path} has no controllers: the cgroup file system is not mounted', '{path} 中没有控制器：未挂载 cgroup 文件系统'],
  ['cAdvisor cannot describe this machine: {error}', 'cAdvisor 无法获取本机信息：{error}'],
  ['this user may not look into the processes of others', '当前用户无权查看其他用户的进程'],
  ['no socket of Docker, Podman, containerd or CRI-O: looked at {paths}', '未找到 Docker、Podman、containerd 或 CRI-O 的套接字，已查找：{paths}'],
  ['{path} may not be opened by this user: permission denied', '当前用户无权打开 {path}：permission denied'],
  ['ask for maintenance: {error}', '查询维护窗口：{error}'],
  ['ask {path}: {error}', '查询 {path}：{error}'],
  ['mount what it reads, give the rights that it needs, or leave it: the other collectors work', '挂载它所读取的路径，或授予所需权限；也可忽略，其他采集器不受影响'],
  ['mount what it reads, or ignore it: the other collectors work', '挂载它所读取的路径；也可忽略，其他采集器不受影响'],
  ['mount the host\'s /proc and /sys, or run on Linux', '挂载主机的 /proc 和 /sys，或在 Linux 上运行'],
  ['mount the host\'s /proc and /sys', '挂载主机的 /proc 和 /sys'],
  ['mount the host\'s /run/udev; the figures of disks are there all the same', '挂载主机的 /run/udev；磁盘的各项指标不受影响'],
  ['mount the host\'s /sys at /sys', '将主机的 /sys 挂载到 /sys'],
  ['mount the host\'s /sys/fs/cgroup, or run on the host itself', '挂载主机的 /sys/fs/cgroup，或直接在主机上运行'],
  ['make /proc (cpuinfo, meminfo, vmstat, diskstats), /sys and /sys/fs/cgroup of the host readable', '使主机的 /proc（cpuinfo、meminfo、vmstat、diskstats）、/sys 和 /sys/fs/cgroup 可读'],
  ['use one set of paths, or another process', '使用同一组路径，或另起一个进程'],
  ['run as root, or with AmbientCapabilities=CAP_SYS_PTRACE CAP_DAC_READ_SEARCH', '以 root 运行，或设置 AmbientCapabilities=CAP_SYS_PTRACE CAP_DAC_READ_SEARCH'],
  ['run as root, or add this user to the group that owns the socket ({group})', '以 root 运行，或将当前用户加入套接字所属的组（{group}）'],
  ['run with the host\'s cgroups readable', '运行时使主机的 cgroup 可读'],
  ['report this as a defect', '请作为缺陷反馈'],
  ['check that {runtime} is running and answers on that socket', '请确认 {runtime} 正在运行并在该套接字上响应'],
  ['where containers run, start us with the runtime\'s socket readable, or name it in DOCKER_HOST, CONTAINER_HOST or CONTAINERD_ADDRESS; control groups are watched all the same', '如运行容器，请在启动时使容器运行时的套接字可读，或在 DOCKER_HOST、CONTAINER_HOST 或 CONTAINERD_ADDRESS 中指定；控制组的监控不受影响'],

  // Where data can be sent.
  ['Prometheus remote write 1.0 and 2.0', 'Prometheus remote write 1.0 与 2.0'],
  ['OTLP metrics over HTTP', 'OTLP 指标（HTTP）'],
  ['OTLP metrics over gRPC', 'OTLP 指标（gRPC）'],
  ['alerts for Alertmanager', '发往 Alertmanager 的告警'],

  // How components are.
  ['switched off by sources.enabled', '已由 sources.enabled 关闭'],
  ['backends.metrics.url names the server that scrapes, stores and evaluates', '抓取、存储与评估由 backends.metrics.url 指定的服务器负责'],
  ['storage takes no samples: {said}', '存储不接收样本：{said}'],
  ['the disk of {dir} has {free} free, less than the {limit} that --storage.min-free keeps; free some space, no restart is needed', '{dir} 所在磁盘剩余 {free}，少于 --storage.min-free 要求的 {limit}；请释放空间，无需重启'],
  ['a write to its log failed, {free} are free; free some space, no restart is needed', '写入写前日志失败，剩余 {free}；请释放空间，无需重启'],
  ['a write to its log failed; free some space, no restart is needed', '写入写前日志失败；请释放空间，无需重启'],
  ['the disk was full before the finished chunks in memory could be written; free some space and restart: queries find those samples again then', '内存中已完成的数据块写入前磁盘已满；请释放空间并重启，之后即可重新查询这些样本'],
  ['the state database does not work as it should: {error}', '状态数据库工作异常：{error}'],
  ['incidents cannot follow the Alertmanagers of {where}: {error}', '事件无法跟随 {where} 的 Alertmanager：{error}'],
  ['no heartbeat URL is set, so nothing outside misses this process; --heartbeat.url-file names one', '未设置心跳地址，本进程停止时外部不会发现；可用 --heartbeat.url-file 指定'],
  ['the first beat is not due yet', '尚未到首次心跳的时间'],
  ['the heartbeat is withheld: {said}', '心跳已暂停发送：{said}'],
  ['the heartbeat is not taken: {error}', '心跳未被接收：{error}'],
  ['no rule raises the alert {alert}; load the shipped rules, or add one', '没有规则触发告警 {alert}；请加载自带规则，或自行添加'],
  ['the storage could not be asked: {error}', '无法查询存储：{error}'],
  ['the alert {alert} has not been evaluated yet', '告警 {alert} 尚未评估'],
  ['the alert {alert} has not been evaluated and stored for {time}', '告警 {alert} 已有 {time} 未评估并存储'],
  ['the alert {alert} has not been dispatched yet', '告警 {alert} 尚未分派'],
  ['the alert {alert} has never reached the dispatcher', '告警 {alert} 从未到达分派器'],
  ['the alert {alert} has not reached the dispatcher for {time}', '告警 {alert} 已有 {time} 未到达分派器'],

  // Why a backend is not up.
  ['backend {name} ({url}): {said}', '后端 {name}（{url}）：{said}'],
  ['it answers {status}: the credentials of {field} are not right', '返回 {status}：{field} 的凭据不正确'],
  ['it answers {status} and no {type}; is its url right?', '返回 {status}，且不是 {type}；请检查 url 是否正确'],
  ['it answers {status}', '返回 {status}'],
  ['it does not have {path}; is its url right?', '没有 {path}；请检查 url 是否正确'],
  ['it does not have {path}', '没有 {path}'],
  ['it has not answered within {time}', '在 {time} 内没有响应'],
  ['it has not answered in time', '未及时响应'],
  ['its answer is no gzip, as it says', '响应声明为 gzip，但实际不是'],
  ['its answer has {n} bytes, and at most {most} are passed on; ask for less', '响应有 {n} 字节，最多转发 {most} 字节；请缩小查询范围'],
  ['it redirects to elsewhere, where its credentials do not belong; write the address that it redirects to as its url', '它重定向到其他地址，凭据不应发往那里；请将重定向的目标地址写为 url'],
  ['it redirects a request that is not a GET; write the address that it redirects to as its url', '它重定向了非 GET 请求；请将重定向的目标地址写为 url'],

  // What a backtest and a comparison do not say.
  ['Samples count as arrived at their own timestamps; late ones are not told from others.', '样本按自身时间戳视为到达，不区分迟到的样本。'],
  ['Silences, inhibition, mute times and resolved notifications are not counted.', '未计入静默、抑制、静音时段与恢复通知。'],
  ['its rules select each other\'s output', '其中的规则互相引用对方的输出'],
  ['its expression depends on the query\'s own start, end or step', '其表达式取决于查询自身的起止时间或步长'],
  ['it selects its own output', '它引用自身的输出'],
  ['it selects other rules\' output at other times than its own', '它引用其他规则在其他时刻的输出'],
  ['it selects the output of {rule}, which is evaluated after it or with a larger query_offset', '它引用 {rule} 的输出，而后者在其之后评估，或 query_offset 更大'],
  ['No Alertmanager was given: the pair\'s alerts count from the poll that saw them fire.', '未指定 Alertmanager：对方的告警从轮询发现触发时起算。'],
  ['The pair has alert_relabel_configs: alerts that they change count from the poll that saw them fire.', '对方配置了 alert_relabel_configs：被其修改的告警从轮询发现触发时起算。'],
  ['{rule} reads further back than {time}, or by "@": it had less data here.', '{rule} 回溯超过 {time}，或使用了“@”：此处的数据较少。'],
  ['Samples from before the beginning could not be read ({error}): rules with ranges were late at first.', '无法读取开始之前的样本（{error}）：带区间的规则起初会偏晚。'],
  ['A group\'s own query_offset is not known: the rules API does not tell it.', '无法得知规则组自身的 query_offset：规则 API 不提供。'],
  ['Native histograms do not come by federation in the text format.', '文本格式的联邦不传输原生直方图。'],
  ['Touchline has no rule {rule}: its alerts count as missed.', 'Touchline 没有规则 {rule}：其告警计为漏报。'],
  ['Alerts of the rules that come with Touchline are left out, since the pair has no such rules.', '未计入 Touchline 自带规则的告警，因为对方没有这些规则。'],
  ['the pair never had it', '对方从未有此告警'],
  ['the pair had it pending', '对方处于待触发'],
  ['over before the pair\'s next evaluation', '在对方下次评估前已结束'],

  // Whom an escalation called, and what came of it.
  ['nobody is on call in {schedule}', '{schedule} 当前无人值班'],
  ['{person} has quiet hours', '{person} 处于免打扰时段'],
  ['there is no schedule {schedule}', '没有值班表 {schedule}'],
  ['{people} is on call in {schedule} and cannot be called: the section people does not have them', '{people} 在 {schedule} 值班，但无法呼叫：people 一节中没有此人'],
  ['the policy {policy} is gone, and no other is for these alerts: nobody is called until one is', '策略 {policy} 已不存在，且没有其他策略适用于这些告警：在此之前不会呼叫任何人'],
  ['the policy {policy} is gone; {next} begins', '策略 {policy} 已不存在；改用 {next}'],
  ['the policy {policy} has no step {n} any more: nobody else is called', '策略 {policy} 已没有第 {n} 步：不再呼叫其他人'],
  ['{said}; failed: {error}', '{said}；失败：{error}'],
  ['told', '已通知'],
  ['told before', '此前已通知'],
  ['silenced or inhibited', '已静默或抑制'],
  ['nothing to tell: send_resolved is off', '无需通知：send_resolved 已关闭'],
  ['the receiver has no integration, so that nobody is told', '该接收方没有集成，因此不会通知任何人'],

  // How a rule is decided.
  ['no arriving sample can change the result at its own time', '到达的样本无法改变其自身时刻的结果'],
  ['each element depends on one series', '每个元素只依赖一个序列'],
  ['each element depends on series of one job and instance', '每个元素只依赖同一 job 和 instance 的序列'],
  ['an element may depend on all selected series: {node}', '元素可能依赖所有选中的序列：{node}'],
  ['an element depends on series of several targets: {node}', '元素依赖多个目标的序列：{node}'],
  ['a range over something that is not a selector', '区间作用于非选择器的表达式'],
  ['absent_over_time changes with time alone', 'absent_over_time 仅随时间变化'],
  ['info() joins series that the expression does not name', 'info() 关联了表达式中未列出的序列'],

  // What is noted of a version of a dashboard.
  ['restored from version {n}', '由版本 {n} 恢复'],

  ...refusals,
];

const said = translatorOf(sentences);

/** What is wrong with fields of a form stands behind their names. */
function byField(text: string): string {
  return text.split(' · ').map((part) => {
    const [, field, why] = /^([\w.[\]]+: )([^]+)$/.exec(part) ?? [];
    const known = why === undefined ? undefined : said(why);
    return known === undefined ? said(part) ?? part : field + known;
  }).join(' · ');
}

/** say gives a sentence of the server in Chinese, or as it is where it is not known. */
export const say = (text: string): string => said(text) ?? byField(text);
