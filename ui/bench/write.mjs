// Remote write 1.0, as far as a load needs it: series with all of their samples, in snappy blocks of literals.

/** varint appends a number in protobuf's base 128. Numbers here may be larger than 32 bits. */
function varint(out, n) {
  while (n >= 128) {
    out.push((n % 128) + 128);
    n = Math.floor(n / 128);
  }
  out.push(n);
}

function field(out, number, bytes) {
  out.push((number << 3) | 2);
  varint(out, bytes.length);
  for (const b of bytes) out.push(b);
}

const encoder = new TextEncoder();
const scratch = new DataView(new ArrayBuffer(8));

function label(name, value) {
  const out = [];
  field(out, 1, encoder.encode(name));
  field(out, 2, encoder.encode(value));
  return out;
}

function sample(value, at) {
  const out = [0x09];
  scratch.setFloat64(0, value, true);
  for (let i = 0; i < 8; i++) out.push(scratch.getUint8(i));
  out.push(0x10);
  varint(out, at);
  return out;
}

/** timeSeries is one series: its labels in order of their names, and its samples. */
export function timeSeries(labels, samples) {
  const out = [];
  for (const name of Object.keys(labels).sort()) field(out, 1, label(name, labels[name]));
  for (const [at, value] of samples) field(out, 2, sample(value, at));
  return out;
}

/** snappy wraps bytes as literals, which every decoder reads. */
export function snappy(bytes) {
  const head = [];
  varint(head, bytes.length);
  const parts = [Buffer.from(head)];
  for (let at = 0; at < bytes.length; at += 65536) {
    const part = bytes.subarray(at, at + 65536);
    parts.push(Buffer.from([61 << 2, (part.length - 1) & 255, (part.length - 1) >> 8]), part);
  }
  return Buffer.concat(parts);
}

/** write sends series, so many at a time. */
export async function write(server, series, atOnce = 500) {
  let body = [];
  let held = 0;
  const send = async () => {
    if (held === 0) return;
    const answer = await fetch(`${server.url}/api/v1/write`, {
      method: 'POST', body: snappy(Buffer.from(body)),
      headers: { 'Content-Type': 'application/x-protobuf', 'Content-Encoding': 'snappy', 'X-Prometheus-Remote-Write-Version': '0.1.0', Authorization: `Bearer ${server.token}` },
    });
    if (!answer.ok) throw new Error(`write samples: ${answer.status} ${await answer.text()}`);
    body = [];
    held = 0;
  };
  for (const s of series) {
    field(body, 1, s);
    if (++held === atOnce) await send();
  }
  await send();
}
