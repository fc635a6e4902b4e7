//! What several servers are together: one hospital board.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::behind_nginx::ask;
use crate::guest::Viewer;
use crate::one_chat::wait_until;
use crate::redis::{Redis, Three, join, url};
use crate::relay::Relay;
use crate::server::PATIENCE;

#[test]
fn viewers_on_three_servers_change_one_board() {
    let Some(redis) = Redis::start() else { return };
    let three = Three::start(redis, &[]);
    let mut first = Viewer::new(&three.servers[0]);
    assert_eq!(first.call("CrearHospital", json!(["Norte"])), 0);
    let beds = 40;
    thread::scope(|scope| {
        for server in &three.servers {
            let mut viewer = Viewer::new(server);
            scope.spawn(move || {
                for _ in 0..beds {
                    assert_eq!(viewer.call("CrearCama", json!([1])), 0);
                }
            });
        }
    });
    let boards: Vec<Value> = three
        .servers
        .iter()
        .map(|server| {
            let mut viewer = Viewer::new(server);
            board_with(&mut viewer, 3 * beds)
        })
        .collect();
    assert_eq!(boards[0], boards[1]);
    assert_eq!(boards[1], boards[2]);
    let orders = boards[0][0]["camas"].as_array().expect("beds").iter();
    let orders: Vec<u64> = orders.filter_map(|bed| bed["orden"].as_u64()).collect();
    assert_eq!(orders, Vec::from_iter(1..=3 * beds as u64));
}

#[test]
fn a_change_is_decided_where_it_stands_in_the_order_and_seen_by_who_made_it() {
    let Some(redis) = Redis::start() else { return };
    let three = Three::start(redis, &[]);
    let mut one = Viewer::new(&three.servers[0]);
    let mut two = Viewer::new(&three.servers[1]);
    assert_eq!(one.call("CrearHospital", json!(["Norte"])), 0);
    assert_eq!(one.call("CrearCama", json!([1])), 0);
    // What one was told, two has heard.
    for _ in ["HospitalCreado", "CamaCreada"] {
        assert_eq!(two.hears_of(), 0);
    }
    assert_eq!(two.call("EliminarCama", json!([1])), 0);
    assert_eq!(one.hears_of(), 0);
    assert_eq!(one.call("OcuparCama", json!([1])), -1);
    assert_eq!(two.hears_of(), -1);
    for number in 2..12 {
        one.says("CrearCama", json!([1]));
        let board = one.board();
        let last = board[0]["camas"][number - 2]["id"].clone();
        assert_eq!(last, number, "{board}");
    }
}

#[test]
fn a_board_outlives_the_servers_that_made_it() {
    let Some(redis) = Redis::append_only() else {
        return;
    };
    let url = redis.url();
    let words = ["--cluster-lease", "1s"];
    let mut first = join(&url, &words);
    let mut viewer = Viewer::new(&first);
    for (method, arguments) in [
        ("CrearHospital", json!(["Norte"])),
        ("CrearCama", json!([1])),
        ("CrearCama", json!([1])),
        ("OcuparCama", json!([2])),
        ("EliminarCama", json!([1])),
    ] {
        assert_eq!(viewer.call(method, arguments), 0, "{method}");
    }
    let board = viewer.board();
    first.kill();
    let second = join(&url, &words);
    let mut viewer = Viewer::new(&second);
    assert_eq!(viewer.board(), board);
    assert_eq!(viewer.call("CrearCama", json!([1])), 0);
    assert_eq!(viewer.board()[0]["camas"][1]["id"], 3);
}

#[test]
fn a_change_made_while_cut_off_is_made_late_or_its_maker_hears_that_it_is_not() {
    let Some(redis) = Redis::start() else { return };
    let relay = Relay::to(redis.port);
    let lease = ["--cluster-lease", "1s"];
    let near = join(&redis.url(), &lease);
    let far = join(&url(relay.port), &lease);
    let mut one = Viewer::new(&near);
    let mut two = Viewer::new(&far);
    assert_eq!(one.call("CrearHospital", json!(["Norte"])), 0);
    assert_eq!(two.hears_of(), 0);

    relay.cut();
    two.invokes("7", "CrearCama", json!([1]));
    wait_until("it notices", || {
        far.metric("enchufe_cluster_redis_unavailable") == 1
    });
    // The other server takes it for gone, and the board goes on.
    thread::sleep(Duration::from_millis(1_500));
    assert_eq!(one.call("CrearHospital", json!(["Sur"])), 0);
    relay.mend();
    let completion = two.hears_completion();
    assert_eq!(completion["invocationId"], "7");
    assert!(completion["error"].is_string(), "{completion}");
    assert_eq!(two.board(), one.board());
    assert_eq!(one.board()[0]["camas"], json!([]));
    two.invokes("8", "CrearCama", json!([1]));
    assert!(two.hears_completion()["error"].is_null());
    assert_eq!(one.hears_of(), 0);

    // Redis stands still for a moment: the change is made when it goes on.
    redis.signal("-STOP");
    two.says("CrearCama", json!([1]));
    thread::sleep(Duration::from_millis(400));
    redis.signal("-CONT");
    assert_eq!(one.hears_of(), 0);
    let beds = one.board()[0]["camas"].as_array().map(Vec::len);
    assert_eq!(beds, Some(2));
}

#[test]
fn while_redis_stands_still_viewers_see_the_board_as_it_was_and_changes_are_made_and_complete_after_it()
 {
    let Some(redis) = Redis::start() else { return };
    let three = Three::start(redis, &["--cluster-lease", "1s"]);
    let mut one = Viewer::new(&three.servers[0]);
    let mut two = Viewer::new(&three.servers[1]);
    assert_eq!(one.call("CrearHospital", json!(["Norte"])), 0);
    assert_eq!(two.hears_of(), 0);
    three.redis.signal("-STOP");
    two.invokes("7", "CrearCama", json!([1]));
    wait_until("it notices", || {
        three.servers[1].metric("enchufe_cluster_redis_unavailable") == 1
    });
    assert_eq!(two.board()[0]["camas"], json!([]));
    let (status, _) = ask(
        &three.servers[1].address,
        "POST /socket/negotiate",
        "localhost",
    );
    assert_eq!(status, 200);
    assert!(Viewer::try_new(&three.servers[1]).is_err());
    three.redis.signal("-CONT");
    for viewer in [&mut one, &mut two] {
        assert_eq!(viewer.hears_of(), 0);
    }
    let completion = two.hears_completion();
    assert_eq!(
        (&completion["invocationId"], &completion["error"]),
        (&json!("7"), &Value::Null)
    );
    assert_eq!(one.board()[0]["camas"].as_array().map(Vec::len), Some(1));

    // Only who begins again is shown the board unasked.
    assert!(three.redis.ask("FLUSHALL").starts_with("+OK"));
    for viewer in [&mut one, &mut two] {
        let shown = viewer.hears_one(|record| record["target"] == "EstadoRecibido");
        assert_eq!(shown["arguments"][0], json!([]));
    }
}

/// Waits until a board has so many beds.
fn board_with(viewer: &mut Viewer, beds: usize) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let board = viewer.board();
        if board[0]["camas"]
            .as_array()
            .is_some_and(|it| it.len() == beds)
        {
            return board;
        }
        assert!(Instant::now() < deadline, "{board}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// What these tests ask of a viewer besides.
trait More {
    /// Calls a method and waits for nothing.
    fn says(&mut self, method: &str, arguments: Value);
    /// The same, to be told of its completion.
    fn invokes(&mut self, id: &str, method: &str, arguments: Value);
    /// The argument of the next event that is not a board.
    fn hears_of(&mut self) -> Value;
    /// The next completion.
    fn hears_completion(&mut self) -> Value;
    /// The board, whatever else is told before.
    fn board(&mut self) -> Value;
}

impl More for Viewer {
    fn says(&mut self, method: &str, arguments: Value) {
        self.sends(&json!({"type": 1, "target": method, "arguments": arguments}));
    }

    fn invokes(&mut self, id: &str, method: &str, arguments: Value) {
        self.sends(
            &json!({"type": 1, "invocationId": id, "target": method, "arguments": arguments}),
        );
    }

    fn hears_of(&mut self) -> Value {
        self.hears_one(|record| record["type"] == 1 && record["target"] != "EstadoRecibido")["arguments"][0]
            .take()
    }

    fn hears_completion(&mut self) -> Value {
        self.hears_one(|record| record["type"] == 3)
    }

    fn board(&mut self) -> Value {
        self.says("VerEstadoActual", json!([]));
        self.hears_one(|record| record["target"] == "EstadoRecibido")["arguments"][0].take()
    }
}
