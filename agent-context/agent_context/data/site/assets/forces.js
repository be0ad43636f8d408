// Where the points of a graph stand: springs along the links, a push between all (Barnes-Hut: far groups as one), a
// pull to the middle. Runs as a worker and posts the positions as it goes; the same graph is drawn the same way.

const NEAR = 0.81; // (size of a group / its distance)^2 below which it counts as one point
const STEPS = [300, 140]; // for few points, and for more than MANY
const MANY = 1500;
const PUSH = [260, 90];
const REST = 0.6; // what is left of a speed after one step
const EVERY = 4; // steps between two pictures

/** Put the points of a quadtree over the positions into flat lists: mass, centre, size, four children or a point. */
function grow(x, y, count) {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let each = 0; each < count; each += 1) {
    left = Math.min(left, x[each]);
    right = Math.max(right, x[each]);
    top = Math.min(top, y[each]);
    bottom = Math.max(bottom, y[each]);
  }
  const size = Math.max(right - left, bottom - top, 1);
  const tree = { mass: [], x: [], y: [], size: [], child: [], point: [] };
  const node = (width) => {
    tree.mass.push(0);
    tree.x.push(0);
    tree.y.push(0);
    tree.size.push(width);
    tree.point.push(-1);
    tree.child.push(-1, -1, -1, -1);
    return tree.mass.length - 1;
  };
  node(size);
  for (let each = 0; each < count; each += 1) insert(tree, node, each, x, y, left, top, size);
  return tree;
}

function insert(tree, node, point, x, y, left, top, size) {
  let at = 0;
  let [west, north, width] = [left, top, size];
  for (let depth = 0; ; depth += 1) {
    const mass = tree.mass[at];
    tree.x[at] = (tree.x[at] * mass + x[point]) / (mass + 1);
    tree.y[at] = (tree.y[at] * mass + y[point]) / (mass + 1);
    tree.mass[at] += 1;
    if (!mass || depth > 20) {
      if (!mass) tree.point[at] = point;
      return;
    }
    width /= 2;
    const descend = (which) => {
      const quarter = at * 4 + (x[which] > west + width ? 1 : 0) + (y[which] > north + width ? 2 : 0);
      if (tree.child[quarter] < 0) tree.child[quarter] = node(width);
      return quarter;
    };
    const old = tree.point[at];
    if (old >= 0) {
      const below = tree.child[descend(old)];
      tree.mass[below] = 1;
      tree.x[below] = x[old];
      tree.y[below] = y[old];
      tree.point[below] = old;
      tree.point[at] = -1;
    }
    const quarter = descend(point);
    at = tree.child[quarter];
    if (quarter % 2) west += width;
    if (quarter % 4 > 1) north += width;
  }
}

/** Push one point away from all others, as `strength / distance`. */
function push(tree, point, x, y, strength, stack) {
  let [fx, fy] = [0, 0];
  stack.length = 0;
  stack.push(0);
  while (stack.length) {
    const at = stack.pop();
    if (tree.point[at] === point) continue;
    const dx = x[point] - tree.x[at];
    const dy = y[point] - tree.y[at];
    const far = dx * dx + dy * dy;
    if (tree.point[at] >= 0 || tree.size[at] ** 2 < NEAR * far || far === 0) {
      const force = (strength * tree.mass[at]) / Math.max(far, 1);
      fx += dx * force;
      fy += dy * force;
    } else {
      for (let quarter = at * 4; quarter < at * 4 + 4; quarter += 1) {
        if (tree.child[quarter] >= 0) stack.push(tree.child[quarter]);
      }
    }
  }
  return [fx, fy];
}

/** Lay a graph out; `links` are pairs of places. Calls `draw` with x and y every few steps and at the end. */
export function settle(count, links, draw) {
  const [x, y, vx, vy] = Array.from({ length: 4 }, () => new Float32Array(count));
  const degree = new Uint32Array(count);
  for (const [from, to] of links) {
    degree[from] += 1;
    degree[to] += 1;
  }
  for (let each = 0; each < count; each += 1) {
    const turn = each * 2.399963; // the golden angle: spread evenly, never two in one place
    x[each] = 12 * Math.sqrt(each + 0.5) * Math.cos(turn);
    y[each] = 12 * Math.sqrt(each + 0.5) * Math.sin(turn);
  }
  const stack = [];
  const steps = STEPS[count > MANY ? 1 : 0];
  for (let step = 1; step <= steps; step += 1) {
    const heat = (1 - step / steps) ** 1.5 + 0.01;
    const tree = grow(x, y, count);
    for (let each = 0; each < count; each += 1) {
      const [fx, fy] = push(tree, each, x, y, PUSH[count > MANY ? 1 : 0], stack);
      vx[each] = (vx[each] + (fx - x[each] * 0.03) * heat) * REST;
      vy[each] = (vy[each] + (fy - y[each] * 0.03) * heat) * REST;
    }
    for (const [from, to] of links) {
      const [dx, dy] = [x[to] - x[from], y[to] - y[from]];
      const apart = Math.hypot(dx, dy) || 1;
      const force = ((apart - 36) / apart) * heat * (0.9 / Math.min(degree[from], degree[to]));
      const share = degree[from] / (degree[from] + degree[to]);
      vx[from] += dx * force * (1 - share);
      vy[from] += dy * force * (1 - share);
      vx[to] -= dx * force * share;
      vy[to] -= dy * force * share;
    }
    for (let each = 0; each < count; each += 1) {
      x[each] += Math.max(-60, Math.min(60, vx[each]));
      y[each] += Math.max(-60, Math.min(60, vy[each]));
    }
    if (step % EVERY === 0) draw(x, y, step === steps);
  }
}

if (typeof WorkerGlobalScope !== "undefined") {
  onmessage = ({ data: { count, links } }) => settle(count, links, (x, y, done) => postMessage({ x, y, done }));
}
