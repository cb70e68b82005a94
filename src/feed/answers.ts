/** Answers Requests: a block, and what proves it. */
import { all } from '../stream/stage.ts';
import type { Data, Request } from '../wire/messages.ts';
import type { BlockReader } from './block-reader.ts';
import type { SleepFiles } from './files/sleep-files.ts';
import type { TreeNode } from './merkle/hash.ts';
import { type ProofPlan, planProof } from './merkle/proof.ts';
import type { Tree } from './tree.ts';

interface Plan extends ProofPlan {
  readonly block: number;
  /** Only the block's hash is asked for. */
  readonly hash: boolean;
}

export class Answers {
  readonly #files: SleepFiles;
  readonly #tree: Tree;
  readonly #blocks: BlockReader;
  readonly #has = (node: number): boolean => this.#files.bitfield.hasNode(node);

  constructor(files: SleepFiles, tree: Tree, blocks: BlockReader) {
    this.#files = files;
    this.#tree = tree;
    this.#blocks = blocks;
  }

  /**
   * The answers to Requests, in their order; `undefined` for one that cannot be given. Waits only for a storage that
   * takes its time.
   *
   * @param maxBytes where the blocks have more together, the last ones are left out: the answers are fewer then
   */
  async answer(
    requests: readonly Request[],
    maxBytes: number = Number.POSITIVE_INFINITY,
  ): Promise<(Data | undefined)[]> {
    const plans: (Plan | undefined)[] = [];
    const batch = new Set<number>();
    for (const request of requests) {
      const place = request.bytes > 0 ? await this.#tree.seek(request.bytes) : undefined;
      plans.push(this.#plan(request, place?.offset === undefined ? request.index : place.index, batch));
    }
    const wanted: number[] = [];
    for (const plan of plans) {
      if (plan === undefined) continue;
      if (!plan.hash) wanted.push(2 * plan.block);
      for (const node of plan.nodes) wanted.push(node);
    }
    // Together, since a storage over a port sends along what is asked for at the same time.
    const nodesRead = this.#tree.nodes(wanted);
    const signaturesRead = all(plans, (plan) =>
      plan?.length === undefined ? undefined : this.#files.readSignature(plan.length),
    );
    const [nodes, signatures] =
      nodesRead instanceof Promise || signaturesRead instanceof Promise
        ? await Promise.all([nodesRead, signaturesRead])
        : [nodesRead, signaturesRead];

    const leaves: TreeNode[] = [];
    const proofs: TreeNode[][] = [];
    let next = 0;
    let bytes = 0;
    for (const plan of plans) {
      const leaf = plan === undefined || plan.hash ? undefined : nodes[next++]!;
      bytes += leaf?.size ?? 0;
      if (proofs.length > 0 && bytes > maxBytes) break;
      if (leaf !== undefined) leaves.push(leaf);
      proofs.push(nodes.slice(next, (next += plan?.nodes.length ?? 0)));
    }
    const values = await this.#blocks.view(leaves);
    next = 0;
    return proofs.map((nodes, i) => {
      const plan = plans[i];
      if (plan === undefined) return undefined;
      const value = plan.hash ? undefined : values[next++];
      if (!plan.hash && value === undefined) return undefined;
      return { type: 'data', index: plan.block, value, nodes, signature: signatures[i] };
    });
  }

  #plan({ bytes, hash, nodes, batched }: Request, block: number, batch: Set<number>): Plan | undefined {
    if (!hash && !this.#files.bitfield.has(block)) return undefined;
    const request = { digest: bytes > 0 ? 0 : nodes, hash, batched };
    const plan = planProof(block, this.#tree.length, this.#has, request, batch);
    return plan && { block, hash, nodes: plan.nodes, length: plan.length };
  }
}
