use super::*;

const WHOLE: &str = r#"machine_name = "mill-1"
job = "part.cosim-job"
state_dir = "state"
mode = "active"

[controller]
link = "tcp:127.0.0.1:7878"

[cloud]
connect = "tcp/127.0.0.1:7447"
key = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"

[budget]
end_to_end_ms = 20.0
"#;

#[test]
fn a_preset_is_known_and_has_what_it_needs() {
    let with = |lines: &str| {
        let text = WHOLE.replace("connect = \"tcp/127.0.0.1:7447\"", lines);
        parse("edge.toml", &text, Path::new("/shop")).map(|config| config.cloud).map_err(|error| error.to_string())
    };
    assert_eq!(with("connect = \"udp/a:1\"\npreset = \"wan-lossy\"").map(|cloud| cloud.preset), Ok(Preset::WanLossy));
    let refused = |lines: &str, words: &str| {
        let message = with(lines).expect_err(lines);
        assert!(message.contains(words), "{message}");
    };
    refused("connect = \"tcp/a:1\"\npreset = \"wan\"", "no preset");
    refused("connect = \"tcp/a:1\"\npreset = \"nat-tls\"", "tls/NAME:PORT");
    refused("connect = \"tls/a:1\"\npreset = \"nat-tls\"", "certificates");
    let tls = "tls = { ca = \"ca.pem\", certificate = \"c.pem\", private_key = \"k.pem\" }";
    let cloud = with(&format!("connect = \"tls/a:1\"\npreset = \"nat-tls\"\n{tls}")).expect("complete");
    assert_eq!(cloud.tls.map(|tls| tls.authority), Some(PathBuf::from("/shop/ca.pem")));
}

#[test]
fn a_configuration_has_safe_defaults() {
    let config = parse("edge.toml", WHOLE, Path::new("/shop")).expect("valid");
    assert_eq!(config.job, Path::new("/shop/part.cosim-job"));
    assert_eq!((config.start, config.arm_at_start), (Start::Operator, false));
    assert_eq!(config.budget.end_to_end, Duration::from_ms(20));
    assert_eq!(config.real_time, RealTimeWish::default());
    assert_eq!(config.budget.cycle, Duration::from_ms(5));
    assert!(matches!(config.pin, Pin::Key(_)));
    let shadow = WHOLE.replacen("active", "shadow", 1).replacen("key = ", "# key = ", 1);
    assert_eq!(parse("edge.toml", &shadow, Path::new("")).expect("valid").pin, Pin::Nobody);
    let demo = WHOLE.replacen("key = ", "unsigned = \"accept\" # ", 1);
    assert_eq!(parse("edge.toml", &demo, Path::new("")).expect("valid").pin, Pin::AcceptUnsigned);
}

#[test]
fn a_grbl_is_reached_by_serial_port_and_asked_less_often() {
    let text = WHOLE.replacen(
        "link = \"tcp:127.0.0.1:7878\"",
        "kind = \"grblhal\"\nlink = \"serial:/dev/ttyUSB0\"\nsender = \"other\"",
        1,
    );
    let config = parse("edge.toml", &text, Path::new("/shop")).expect("valid");
    assert_eq!(config.kind, ControllerKind::Grbl(Flavour::GrblHal));
    let port = PortAddress::Serial { path: "/dev/ttyUSB0".into(), baud: 115_200 };
    assert_eq!(config.controller, Controller::Port(port));
    assert_eq!((config.sender, config.sample_period), (ProgramSender::Other, Duration::from_ms(40)));
}

#[test]
fn what_can_only_be_read_is_followed_in_shadow() {
    let shadow = WHOLE.replacen("active", "shadow", 1);
    let of = |kind: &str, link: &str| {
        let section = format!("kind = \"{kind}\"\nlink = \"{link}\"");
        shadow.replacen("link = \"tcp:127.0.0.1:7878\"", &section, 1)
    };
    for (kind, link) in [
        ("mtconnect", "http://agent:5000/mill-1"),
        ("shdr", "tcp:127.0.0.1:7878"),
        ("recording", "file:/var/run-3.txt@10"),
    ] {
        let config = parse("edge.toml", &of(kind, link), Path::new("")).expect(kind);
        assert_eq!((config.kind, config.arming), (ControllerKind::Advisory, Arming::Shadow));
        let Controller::Port(address) = &config.controller else { panic!("a port") };
        assert_eq!((address.to_string().as_str(), config.export), (link, None));
        let active = of(kind, link).replacen("\"shadow\"", "\"active\"", 1);
        let error = parse("edge.toml", &active, Path::new("")).expect_err(kind).to_string();
        assert!(error.contains("can only be read"), "{error}");
        assert!(parse("edge.toml", &of(kind, "serial:/dev/ttyUSB0"), Path::new("")).is_err());
    }
}

#[test]
fn our_state_is_shown_on_this_computer_only() {
    let text = format!("{WHOLE}[export]\nshdr = \"127.0.0.1:7879\"\n");
    let config = parse("edge.toml", &text, Path::new("")).expect("valid");
    assert_eq!(config.export, Some(SocketAddr::from(([127, 0, 0, 1], 7879))));
    let open = text.replacen("127.0.0.1:7879", "0.0.0.0:7879", 1);
    let error = parse("edge.toml", &open, Path::new("")).expect_err("open to all").to_string();
    assert!(error.contains("not an address on this computer"), "{error}");
}

#[test]
fn a_linuxcnc_needs_no_address_and_a_new_installation_is_in_shadow() {
    let text = WHOLE.replacen("mode = \"active\"\n", "", 1).replacen(
        "link = \"tcp:127.0.0.1:7878\"",
        "kind = \"linuxcnc\"\nservo_period_us = 500.0",
        1,
    );
    let config = parse("edge.toml", &text, Path::new("/shop")).expect("valid");
    assert_eq!((config.kind, config.arming), (ControllerKind::LinuxCnc, Arming::Shadow));
    let Controller::LinuxCnc(linuxcnc) = config.controller else { panic!("not a port") };
    assert_eq!((linuxcnc.tick_period, config.sample_period), (Duration::from_us(500), Duration::from_us(500)));
    assert_eq!((linuxcnc.sampler, linuxcnc.effect_time_max), (0, Duration::from_ms(50)));
    let bare = WHOLE.replacen("link = \"tcp:127.0.0.1:7878\"\n", "", 1);
    assert!(parse("edge.toml", &bare, Path::new("")).is_err(), "a virtual machine is behind an address");
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let check = |from: &str, to: &str, place: &str, word: &str| {
        let text = WHOLE.replacen(from, to, 1);
        let error = parse("edge.toml", &text, Path::new("")).expect_err(to).to_string();
        assert!(error.starts_with(&format!("edge.toml:{place}:")) && error.contains(word), "{error}");
    };
    check("mode = \"active\"", "modes = \"active\"", "4:1", "modes");
    check("\"mill-1\"", "\"Mill 1\"", "1:16", "not a name");
    check("tcp:127", "serial:127", "7:8", "link");
    check("tcp:127.0.0.1:7878", "serial:/dev/ttyUSB0", "7:8", "link");
    check("link =", "kind = \"marlin\"\nlink =", "7:8", "marlin");
    check("tcp/127.0.0.1:7447", "127.0.0.1:7447", "10:11", "endpoint");
    check("20.0", "-3.0", "14:17", "outside");
    check("20.0", "nan", "14:17", "outside");
    check("key = \"3d", "key = \"", "11:7", "not a public key");
    check("key = ", "# key = ", "10:11", "needs the key");
    check("state_dir = \"state\"\n", "", "1:1", "state_dir");
}
