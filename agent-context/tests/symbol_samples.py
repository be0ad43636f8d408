"""Small sources in thirteen languages, each with nested, decorated, multi-line and anonymous definitions.

A line that ends in a comment `= Outer.inner` belongs to that symbol, one that ends in `=` alone to none. Made up here.
"""

from __future__ import annotations

import re

MARK = re.compile(r"(?://|#) =(?: (.+))?$")
SAMPLES = {
    "shop.ts": """\
import { api } from "./api"; // =
export class Cart<T extends Item> {
  private items: T[] = []; // = Cart
  @logged({ level: "info" }) // = Cart.add
  async add(
    item: T, // = Cart.add
    count = 1,
  ): Promise<void> {
    const check = (value: T) => {
      return value.ok; // = Cart.add.check
    };
    this.items.push(item); // = Cart.add
  }
  get total() {
    return this.items.reduce((sum, item) => {
      return sum + item.price; // = Cart.total
    }, 0);
  }
  onChange = async () => {
    await api.save(this); // = Cart.onChange
  };
}
// A note between two definitions. // =
export const format = function (
  price: number, // = format
) {
  return `${price} EUR`; // = format
};
export default function main() {
  api.on("ready", () => {
    start(); // = main
  });
}
interface Item {
  price: number; // = Item
}
export const handlers = {
  open: () => {
    return 1; // = handlers.open
  },
  close() {
    return 2; // = handlers.close
  },
};
namespace Tax {
  export function rate(): number {
    return 19; // = Tax.rate
  }
}
""",
    "view.js": """\
const api = require("./api"); // =
class View extends Base {
  static #cache = new Map(); // = View
  render(
    state, // = View.render
  ) {
    const draw = function () {
      return state.size; // = View.render.draw
    };
    return draw(); // = View.render
  }
  handle = (event) => {
    event.stop(); // = View.handle
  };
}
exports.load = async function () {
  const found = await api.get(); // = exports.load
  return found.map((item) => {
    return item.name; // = exports.load
  });
};
function* walk(tree) {
  yield tree; // = walk
}
const routes = {
  "GET /": (request) => {
    return request; // = routes.GET /
  },
};
(() => {
  api.start(); // =
})();
""",
    "jobs.py": """\
import functools  # =
LIMIT = 3  # =
@functools.lru_cache(  # = load
    maxsize=8,  # = load
)
def load(
    path,  # = load
    *,
    deep=False,
):
    def walk(node):
        return [child for child in node]  # = load.walk
    keep = lambda node: (
        node.ok  # = load.keep
    )
    return walk(path), keep  # = load
class Job(
    Base,  # = Job
):
    retries = LIMIT  # = Job
    @property
    def name(self):  # = Job.name
        return sorted(self.parts, key=lambda part: (
            part.size  # = Job.name
        ))
    class Meta:
        ordering = "id"  # = Job.Meta
        async def fetch(self):
            await self.get()  # = Job.Meta.fetch
if LIMIT:
    def late():
        return 1  # = late
load("x")  # =
""",
    "Store.swift": """\
import Foundation // =
protocol Storing {
    func save() // = Storing.save
}
public final class Store<Value: Codable>: Storing {
    var count = 0 // = Store
    @discardableResult // = Store.save
    public func save() -> Bool {
        let write = { (value: Value) in
            print(value) // = Store.save.write
        }
        write(value) // = Store.save
        return true
    }
    init(
        name: String // = Store.init
    ) {
        self.name = name // = Store.init
    }
    var size: Int {
        return count * 2 // = Store.size
    }
    struct Key {
        func hash() -> Int {
            return 1 // = Store.Key.hash
        }
    }
}
extension Store {
    func clear() {
        items.forEach { item in
            drop(item) // = Store.clear
        }
    }
}
enum Kind {
    case small // = Kind
}
func top() {
    print(1) // = top
}
""",
    "server.go": """\
package server // =
import "net/http"
type Server struct {
	Name string // = Server
}
type Handler interface {
	Serve(w http.ResponseWriter) // = Handler.Serve
}
func (s *Server) Start(
	port int, // = Server.Start
) error {
	go func() {
		s.listen(port) // = Server.Start
	}()
	stop := func() error {
		return nil // = Server.Start.stop
	}
	return stop() // = Server.Start
}
func New[T any](
	name string, // = New
) *Server {
	return &Server{Name: name} // = New
}
var Default = func() *Server {
	return New[int]("x") // = Default
}
const limit = 3 // =
""",
    "queue.rs": """\
use std::fmt; // =
#[derive(Debug, Clone)] // = Queue
pub struct Queue<T> {
    items: Vec<T>, // = Queue
}
impl<T> Queue<T>
where
    T: Clone, // = Queue
{
    #[inline] // = Queue.push
    pub async fn push(
        &mut self,
        item: T, // = Queue.push
    ) {
        let check = |value: &T| {
            value.clone() // = Queue.push.check
        };
        fn inner() -> u32 {
            3 // = Queue.push.inner
        }
        self.items.iter().for_each(|item| {
            drop(item); // = Queue.push
        });
    }
}
impl<T> fmt::Display for Queue<T> {
    fn fmt(&self) -> u8 {
        1 // = Queue.fmt
    }
}
trait Draw {
    fn draw(&self) {
        paint(); // = Draw.draw
    }
}
enum Kind {
    Small, // = Kind
}
mod tests {
    #[test]
    fn works() {
        assert!(true); // = tests.works
    }
}
macro_rules! twice {
    ($x:expr) => { $x * 2 }; // = twice
}
static LIMIT: u32 = 3; // =
""",
    "Account.java": """\
package bank; // =
@Entity // = Account
public class Account<T> extends Base {
    private int total = 0; // = Account
    @Override
    @Transactional(timeout = 3) // = Account.pay
    public <R> List<R> pay(
        int amount, // = Account.pay
        R other
    ) throws IOException {
        Runnable task = () -> {
            run(amount); // = Account.pay.task
        };
        list.forEach(item -> {
            drop(item); // = Account.pay
        });
        return null;
    }
    public Account(int start) {
        this.total = start; // = Account.Account
    }
    static class Entry {
        int size() {
            return 1; // = Account.Entry.size
        }
    }
    enum Kind { SMALL, BIG } // = Account.Kind
    record Point(int x) {
        int twice() {
            return x * 2; // = Account.Point.twice
        }
    }
}
interface Payable {
    void pay(); // = Payable.pay
}
""",
    "Feed.kt": """\
package feed // =
@Serializable // = Feed
data class Feed(
    val name: String, // = Feed
) : Base() {
    private var size = 0 // = Feed
    @Throws(IOException::class) // = Feed.load
    suspend fun <T> load(
        url: String, // = Feed.load
    ): T {
        val parse = { text: String ->
            text.trim() // = Feed.load.parse
        }
        items.forEach { item ->
            drop(item) // = Feed.load
        }
        return parse(url)
    }
    companion object {
        fun empty() = Feed("") // = Feed.Companion.empty
    }
    object Cache {
        fun clear() {
            size = 0 // = Feed.Cache.clear
        }
    }
}
fun String.shout(): String {
    return uppercase() // = shout
}
interface Source {
    fun open() // = Source.open
}
val top = fun(x: Int): Int {
    return x // = top
}
""",
    "list.c": """\
#include <stdio.h>
static int limit = 3; // =
struct node {
    int value; // = node
    struct node *next;
};
typedef struct {
    int x; // = point
} point;
static inline struct node *
push(
    struct node *head, // = push
    int value)
{
    if (value) {
        head->value = value; // = push
    }
    return head;
}
enum color {
    RED, // = color
};
int *(*find(int key))(void)
{
    return 0; // = find
}
__attribute__((noreturn))
void stop(void)
{
    for (;;) { } // = stop
}
""",
    "tree.cpp": """\
#include <vector>
namespace geo {
template <typename T> // = geo.Tree
class Tree : public Base<T> {
 public:
    explicit Tree(
        int depth) // = geo.Tree.Tree
        : depth_(depth) {}
    [[nodiscard]] int size() const noexcept { // = geo.Tree.size
        auto count = [&](int n) {
            return n + 1; // = geo.Tree.size.count
        };
        return count(1); // = geo.Tree.size
    }
    ~Tree() {
        clear(); // = geo.Tree.~Tree
    }
    bool operator==(const Tree& other) const {
        return true; // = geo.Tree.operator==
    }
 private:
    int depth_; // = geo.Tree
};
template <typename T>
void Tree<T>::clear() {
    items.clear(); // = geo.Tree.clear
}
}  // namespace geo
struct Point {
    int x; // = Point
};
int main() {
    std::for_each(a, b, [](int n) {
        use(n); // = main
    });
}
""",
    "Service.cs": """\
using System; // =
namespace Shop.Orders {
    [Serializable] // = Shop.Orders.Service
    public class Service<T> : Base where T : new() {
        private int total; // = Shop.Orders.Service
        public string Name {
            get { return name; } // = Shop.Orders.Service.Name
        }
        [HttpGet("x")] // = Shop.Orders.Service.Load
        public async Task<T> Load(
            int id, // = Shop.Orders.Service.Load
            string name
        ) {
            Func<int, int> twice = x => {
                return x * 2; // = Shop.Orders.Service.Load.twice
            };
            int Local(int n) {
                return n; // = Shop.Orders.Service.Load.Local
            }
            items.ForEach(item => {
                Drop(item); // = Shop.Orders.Service.Load
            });
        }
        public Service(int start) {
            total = start; // = Shop.Orders.Service.Service
        }
    }
    interface IStore {
        void Save(); // = Shop.Orders.IStore.Save
    }
    enum Kind { Small } // = Shop.Orders.Kind
}
""",
    "order.rb": """\
require "json" # =
module Shop
  class Order < Base
    LIMIT = 3 # = Shop.Order
    memoize def total( # = Shop.Order.total
      tax: 0, # = Shop.Order.total
      discount: 0
    )
      items.sum do |item|
        item.price # = Shop.Order.total
      end
    end
    def self.build(name)
      new(name) # = Shop.Order.build
    end
    check = lambda do |item|
      item.ok? # = Shop.Order.check
    end
    class << self
      def find(id)
        id # = Shop.Order.find
      end
    end
  end
end
def top
  1 # = top
end
""",
    "Mail.php": """\
<?php
namespace App; // =
#[Entity] // = Mail
final class Mail extends Base
{
    private int $size = 0; // = Mail
    #[Route("/send")] // = Mail.send
    public function send(
        string $to, // = Mail.send
        int $tries = 3,
    ): bool {
        $check = function ($value) use ($to) {
            return $value; // = Mail.send.check
        };
        $short = fn($x) =>
            $x * 2; // = Mail.send.short
        array_map(function ($item) {
            return $item; // = Mail.send
        }, []);
        return true;
    }
    public static function make(): self
    {
        return new self(); // = Mail.make
    }
}
trait Sends {
    function go() {
        return 1; // = Sends.go
    }
}
function top() {
    return 1; // = top
}
interface Sender {
    public function send(); // = Sender.send
}
""",
}


def marked_lines(source: str) -> dict[int, str]:
    """Line (from 1) to the symbol that it says it belongs to, empty for none."""
    found = ((number, MARK.search(line)) for number, line in enumerate(source.splitlines(), 1))
    return {number: match[1] or "" for number, match in found if match}
