// What users of @kubernetes/client-node do: lists, watches, an informer, exec, attach, cp, logs and
// port-forward, whose streams are WebSocket messages of their own kind.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import * as k8s from '@kubernetes/client-node';

const namespace = `js-${randomBytes(3).toString('hex')}`;
const options = { timeout: 60_000 };
const config = new k8s.KubeConfig();
config.loadFromDefault();
const core = config.makeApiClient(k8s.CoreV1Api);
const apps = config.makeApiClient(k8s.AppsV1Api);

const deployment = {
  metadata: { name: 'web' },
  spec: {
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [
          {
            name: 'main',
            image: 'registry.k8s.io/e2e-test-images/agnhost:2.53',
            args: ['netexec', '--http-port=8080'],
          },
        ],
      },
    },
  },
};
const typist = {
  metadata: { name: 'typist' },
  spec: {
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: 0,
    containers: [{ name: 'main', image: 'busybox', stdin: true, command: ['sh', '-c', 'sleep 1; cat'] }],
  },
};

async function until(probe) {
  for (const end = Date.now() + 30_000; Date.now() < end; await sleep(50)) {
    const found = await probe();
    if (found) return found;
  }
  throw new Error(`never came true: ${probe}`);
}

async function text(stream) {
  const pieces = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

let pod;

before(async () => {
  await core.createNamespace({ body: { metadata: { name: namespace } } });
  await apps.createNamespacedDeployment({ namespace, body: deployment });
  await core.createNamespacedService({
    namespace,
    body: { metadata: { name: 'web' }, spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] } },
  });
  pod = await until(async () => {
    const { items } = await core.listNamespacedPod({ namespace, labelSelector: 'app=web' });
    const ready = items.find((item) =>
      item.status.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True'),
    );
    return ready?.metadata.name;
  });
});

after(() => core.deleteNamespace({ name: namespace }));

test('objects are created, patched and deleted', options, async () => {
  await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'cm' }, data: { a: '1' } } });
  const patched = await core.patchNamespacedConfigMap(
    { namespace, name: 'cm', body: { data: { b: '2' } } },
    k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.MergePatch),
  );
  assert.deepEqual(patched.data, { a: '1', b: '2' });
  await core.deleteNamespacedConfigMap({ namespace, name: 'cm' });
  await assert.rejects(core.readNamespacedConfigMap({ namespace, name: 'cm' }), { code: 404 });
});

test('objects of any kind are applied', options, async () => {
  const client = k8s.KubernetesObjectApi.makeApiClient(config);
  const spec = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'any', namespace }, data: { a: '1' } };
  const applied = await client.patch(spec, undefined, undefined, 'js', true, k8s.PatchStrategy.ServerSideApply);
  assert.equal(applied.metadata.managedFields[0].manager, 'js');
  assert.deepEqual((await client.read(spec)).data, { a: '1' });
  await client.delete(spec);
});

test('a watch sees what happens', options, async () => {
  const seen = [];
  let done;
  const ended = new Promise((resolve) => (done = resolve));
  const watch = new k8s.Watch(config);
  const controller = await watch.watch(
    `/api/v1/namespaces/${namespace}/configmaps`,
    { fieldSelector: 'metadata.name=seen' },
    (kind, object) => {
      seen.push([kind, object.data.a]);
      if (kind === 'DELETED') controller.abort();
    },
    done,
  );
  await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'seen' }, data: { a: '1' } } });
  await core.deleteNamespacedConfigMap({ namespace, name: 'seen' });
  await ended;
  assert.deepEqual(seen, [['ADDED', '1'], ['DELETED', '1']]);
});

test('an informer follows', options, async () => {
  const path = `/api/v1/namespaces/${namespace}/secrets`;
  const informer = k8s.makeInformer(config, path, () => core.listNamespacedSecret({ namespace }));
  const added = new Promise((resolve) => informer.on('add', (object) => resolve(object.metadata.name)));
  const deleted = new Promise((resolve) => informer.on('delete', (object) => resolve(object.metadata.name)));
  await informer.start();
  await core.createNamespacedSecret({ namespace, body: { metadata: { name: 's' } } });
  assert.equal(await added, 's');
  await core.deleteNamespacedSecret({ namespace, name: 's' });
  assert.equal(await deleted, 's');
  await informer.stop();
});

async function run(command, stdin = null, tty = false) {
  const out = new PassThrough();
  const err = tty ? null : new PassThrough();
  const exec = new k8s.Exec(config);
  let socket;
  const status = new Promise((resolve, reject) => {
    exec.exec(namespace, pod, 'main', command, out, err, stdin, tty, resolve).then((made) => (socket = made), reject);
  });
  const printed = [text(out), err && text(err)];
  const result = { status: await status, out: await printed[0], err: await printed[1] };
  socket.close();
  return result;
}

test('exec keeps its streams apart and tells the exit code', options, async () => {
  const done = await run(['sh', '-c', 'cat; echo err >&2; exit 3'], Readable.from([Buffer.from('typed')]));
  assert.equal(done.out, 'typed');
  assert.equal(done.err, 'err\n');
  assert.equal(done.status.reason, 'NonZeroExitCode');
  assert.equal(done.status.details.causes[0].message, '3');
  assert.equal((await run(['true'])).status.status, 'Success');
});

test('exec at a terminal', options, async () => {
  const done = await run(['sh', '-c', 'tty'], null, true);
  assert.match(done.out, /^\/dev\/pts\/\d+\r\n$/);
});

test('attach', options, async () => {
  await core.createNamespacedPod({ namespace, body: typist });
  await until(async () => (await core.readNamespacedPod({ namespace, name: 'typist' })).status.phase === 'Running');
  const out = new PassThrough();
  const stdin = new PassThrough();
  const socket = await new k8s.Attach(config).attach(namespace, 'typist', 'main', out, null, stdin, false);
  stdin.write('hello\n');
  const [line] = await once(out, 'data');
  assert.equal(line.toString(), 'hello\n');
  socket.close();
});

test('files are copied both ways', options, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'netemu-js-'));
  await writeFile(join(folder, 'file'), 'content');
  const there = `/tmp/${namespace}`;
  await run(['mkdir', '-p', there]);
  const cp = new k8s.Cp(config);
  await cp.cpToPod(namespace, pod, 'main', folder, there);
  await until(async () => (await run(['cat', `${there}/file`])).out === 'content');
  const back = await mkdtemp(join(tmpdir(), 'netemu-js-'));
  await cp.cpFromPod(namespace, pod, 'main', 'file', back, there);
  await until(async () => (await readFile(join(back, 'file'), 'utf8').catch(() => '')) === 'content');
  await run(['rm', '-r', there]);
});

test('logs are followed to the end', options, async () => {
  const container = { name: 'main', image: 'busybox', command: ['sh', '-c', 'echo one; sleep 1; echo two'] };
  const spec = { restartPolicy: 'Never', containers: [container] };
  await core.createNamespacedPod({ namespace, body: { metadata: { name: 'talker' }, spec } });
  await until(async () => (await core.readNamespacedPod({ namespace, name: 'talker' })).status.phase !== 'Pending');
  const out = new PassThrough();
  await new k8s.Log(config).log(namespace, 'talker', 'main', out, { follow: true });
  assert.equal(await text(out), 'one\ntwo\n');
});

async function asked(forward) {
  const out = new PassThrough();
  const err = new PassThrough();
  const stdin = new PassThrough();
  const socket = await forward(out, err, stdin);
  stdin.write('GET /hostname HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n');
  let answer = '';
  for await (const piece of out) {
    answer += piece;
    if (answer.endsWith(pod)) break;
  }
  socket.close();
  return answer;
}

test('ports are forwarded', options, async () => {
  const forward = new k8s.PortForward(config);
  const ways = [
    (...streams) => forward.portForward(namespace, pod, [8080], ...streams),
    (...streams) => forward.portForwardService(namespace, 'web', [8080], ...streams),
    (...streams) => forward.portForwardDeployment(namespace, 'web', [8080], ...streams),
  ];
  for (const way of ways) assert.match(await asked(way), /^HTTP\/1.1 200 [^]*\r\n\r\nweb-/);
});

test('many connections at once', options, async () => {
  const forward = new k8s.PortForward(config);
  const way = (...streams) => forward.portForward(namespace, pod, [8080], ...streams);
  const answers = await Promise.all(Array.from({ length: 50 }, () => asked(way)));
  assert.equal(answers.filter((answer) => answer.endsWith(pod)).length, 50);
});

test('a port that nobody serves', options, async () => {
  const err = new PassThrough();
  const forward = new k8s.PortForward(config);
  const socket = await forward.portForward(namespace, pod, [9], new PassThrough(), err, new PassThrough());
  let told = '';
  for await (const piece of err) {
    told += piece;
    if (told.includes('refused')) break;
  }
  assert.match(told, /connection refused/);
  socket.close();
});

test('metrics', options, async () => {
  const metrics = new k8s.Metrics(config);
  const found = await until(async () => {
    const { items } = await metrics.getPodMetrics(namespace);
    return items.find((item) => item.metadata.name === pod);
  });
  assert.equal(found.containers[0].name, 'main');
  assert.ok((await metrics.getNodeMetrics()).items.length >= 2);
});
